from pathlib import Path

import pytest

from lcc.config.load import (
    changed_settings,
    dump_settings,
    parse_settings,
)
from lcc.config.settings import Settings
from lcc.errors import ConfigError
from tests.builders.settings import load_settings


def faults_of(**sources: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(**sources)  # type: ignore[arg-type]
    return list(caught.value.faults)


def a_file(folder: Path, text: str) -> Path:
    file = folder / "study.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_defaults_hold_where_nothing_is_set() -> None:
    assert load_settings() == Settings()


def test_later_sources_win(tmp_path: Path) -> None:
    file = a_file(tmp_path, "train:\n  epochs: 1\n  seed: 1\n  batch_size: 1\n")

    settings = load_settings(
        file=file,
        variables={"LCC_TRAIN_EPOCHS": "2", "LCC_TRAIN_SEED": "2", "HOME": "/root"},
        overrides=["train.epochs=3"],
        flags={"train.epochs": "4"},
    )

    train = settings.train
    assert (train.batch_size, train.seed, train.epochs) == (1, 2, 4)


def test_a_file_in_the_working_folder_is_read_unasked() -> None:
    a_file(Path(), "train: {epochs: 7}").rename("lcc.yaml")

    assert load_settings().train.epochs == 7


def test_sections_below_sections_are_set_by_variables() -> None:
    settings = load_settings(variables={"LCC_DATA_FAMILIES_NUM_KEYPOINTS": "64"})

    assert settings.data.families.num_keypoints == 64


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param(["search.grid.train.learning_rate=[0.1, 1e-2]"], id="dotted path"),
        pytest.param(["search.grid={train.learning_rate: [0.1, 1e-2]}"], id="mapping"),
        pytest.param(
            ["search.grid={train: {learning_rate: [0.1, 0.01]}}"], id="nested"
        ),
        pytest.param(
            ["search={grid: {train.learning_rate: [0.1, 0.01]}}"], id="section"
        ),
    ],
)
def test_a_grid_may_be_written_in_several_ways(overrides: list[str]) -> None:
    settings = load_settings(overrides=overrides)

    assert settings.search.grid == {"train.learning_rate": (0.1, 0.01)}


def test_grid_keys_add_up() -> None:
    settings = load_settings(
        overrides=["search.grid.model.dropout=[0]", "search.grid.train.epochs=[1]"]
    )

    assert settings.search.grid == {"model.dropout": (0,), "train.epochs": (1,)}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        pytest.param("data.catalogue=12345678", "12345678", id="digits are a digest"),
        pytest.param("data.catalogue=1e345678", "1e345678", id="not a number"),
        pytest.param("data.catalogue=null", None, id="null"),
    ],
)
def test_a_text_that_looks_like_a_number_stays_text(
    override: str, expected: str | None
) -> None:
    assert load_settings(overrides=[override]).data.catalogue == expected


def test_exponents_without_a_point_are_numbers() -> None:
    assert (
        load_settings(overrides=["train.learning_rate=1e-3"]).train == Settings().train
    )


def test_a_section_that_is_empty_keeps_its_defaults(tmp_path: Path) -> None:
    assert load_settings(file=a_file(tmp_path, "train:\n# epochs: 3\n")) == Settings()


def test_settings_survive_being_written() -> None:
    settings = load_settings(
        overrides=["search.grid.model.dropout=[0, 0.5]", "data.classes={a b: x, c: y}"]
    )

    assert parse_settings(dump_settings(settings), source="run") == settings


def test_changes_are_judged_like_sources() -> None:
    with pytest.raises(ConfigError) as caught:
        changed_settings(Settings(), {"train.epochs": 0})

    assert str(caught.value) == (
        "train.epochs: must be at least 1, got 0. Change it in the launcher."
    )


BAD = [
    pytest.param(
        "launch.gpu=1",
        "launch.gpu: is not a setting, got it from --set launch.gpu. "
        "Did you mean launch.gpus?",
        id="unknown",
    ),
    pytest.param(
        "trian.epochs=1",
        "trian: is not a setting, got it from --set trian.epochs. Did you mean train?",
        id="unknown section",
    ),
    pytest.param(
        "train.dropout=0.1",
        "train.dropout: is not a setting, got it from --set train.dropout. "
        "Did you mean model.dropout?",
        id="of another section",
    ),
    pytest.param(
        "train.epochs=many",
        "train.epochs: must be a whole number, got many. Change --set train.epochs.",
        id="mistyped",
    ),
    pytest.param(
        "model.dropout=-1",
        "model.dropout: must be at least 0, got -1. Change --set model.dropout.",
        id="out of range",
    ),
    pytest.param(
        "model.frozen_stages=9",
        "model.frozen_stages: must be at most 5 or 'all', got 9. "
        "Change --set model.frozen_stages.",
        id="one of two types",
    ),
    pytest.param(
        "launch.backend=docker",
        "launch.backend: must be 'local' or 'kubernetes', got docker. "
        "Change --set launch.backend.",
        id="not a choice",
    ),
    pytest.param(
        "data.validation_fraction=0.45",
        "data.validation_fraction + test_fraction must leave at least 0.2 for "
        "training, got 0.85. Lower one of them.",
        id="too little left",
    ),
    pytest.param(
        "train=3",
        "train: must be a mapping of settings, got 3. Change --set train.",
        id="not a section",
    ),
    pytest.param(
        "epochs",
        "--set: must be path=value, got epochs. Write --set epochs=VALUE.",
        id="no value",
    ),
    pytest.param(
        "train.epochs=[3",
        "--set train.epochs: must be YAML, got expected ',' or ']', but got "
        "'<stream end>'. Correct what stands there; a value with special characters "
        "needs quotes.",
        id="not YAML",
    ),
    pytest.param(
        "launch.gpus=3",
        "launch.gpus: must divide train.batch_size (32), got 3. "
        "Use a batch of 30 or 33, or --gpus 2.",
        id="gpus and batch",
    ),
    pytest.param(
        "search.grid.train.lr=[1]",
        "search.grid.train.lr: must name a setting, got train.lr. "
        "All of them: lcc-launch schema",
        id="grid path",
    ),
    pytest.param(
        "search.grid.data.seed=[1]",
        "search.grid.data.seed: must be a path under model. or train., got data.seed. "
        "Did you mean train.seed or evaluate.seed?",
        id="grid section",
    ),
    pytest.param(
        "search.grid.model.dropout=[0.1, 7]",
        "search.grid.model.dropout: must be below 1, got 7. "
        "Change --set search.grid.model.dropout.",
        id="grid value",
    ),
    pytest.param(
        "search.grid.model.dropout=[0.1, 0.1]",
        "search.grid.model.dropout: must not repeat a value, got 0.1, 0.1. Remove one.",
        id="grid repeats",
    ),
    pytest.param(
        "search.grid.model.dropout=[]",
        "search.grid.model.dropout: must have at least one value, got []. Add one.",
        id="grid empty",
    ),
    pytest.param(
        "search.grid.model.dropout=0.1",
        "search.grid.model.dropout: must be a list, got 0.1. "
        "Change --set search.grid.model.dropout.",
        id="grid no list",
    ),
]


@pytest.mark.parametrize(("override", "message"), BAD)
def test_a_fault_names_path_rule_value_and_remedy(override: str, message: str) -> None:
    overrides = [override]
    if "0.45" in override:
        overrides.append("data.test_fraction=0.4")

    assert faults_of(overrides=overrides) == [message]


def test_a_grid_of_batches_must_suit_the_replicas() -> None:
    faults = faults_of(
        overrides=["launch.gpus=4", "search.grid.train.batch_size=[32, 30]"]
    )

    assert faults == [
        "search.grid.train.batch_size: launch.gpus: must divide train.batch_size (30), "
        "got 4. Use a batch of 28 or 32, or --gpus 3."
    ]


def test_several_processes_need_a_cluster() -> None:
    faults = faults_of(overrides=["launch.pods=2", "launch.backend=local"])

    assert faults == [
        "launch.pods: must be 1 with launch.backend local, got 2. "
        "Use --gpus for more replicas."
    ]


def test_all_faults_of_all_sources_come_at_once(tmp_path: Path) -> None:
    file = a_file(tmp_path, "train:\n  epochs: 0\nmodle: {}\n")

    faults = faults_of(
        file=file,
        variables={
            "LCC_TRAIN_SEED": "-1",
            "LCC_LAUNCH_GPU": "1",
            "LCC_LOG_LEVEL": "INFO",
        },
        overrides=["launch.gpus=5"],
        flags={"train.learning_rate": "fast"},
    )

    assert faults == [
        "LCC_LAUNCH_GPU: must name a setting, got an unknown one. "
        "Did you mean LCC_LAUNCH_GPUS?",
        f"train.epochs: must be at least 1, got 0. Change it in {file}.",
        "train.learning_rate: must be a number, got fast. Change --learning-rate.",
        "train.seed: must be at least 0, got -1. Change LCC_TRAIN_SEED.",
        f"modle: is not a setting, got it from {file}. Did you mean model?",
        "launch.gpus: must divide train.batch_size (32), got 5. "
        "Use a batch of 30 or 35, or --gpus 4.",
    ]


BAD_FILES = [
    pytest.param(
        "train:\n  epochs: [3\n",
        "{file}, line 3: must be YAML, got expected ',' or ']', but got "
        "'<stream end>'. Correct what stands there; a value with special characters "
        "needs quotes.",
        id="not YAML",
    ),
    pytest.param(
        "train:\n  epochs: 3\n  epochs: 4\n",
        "{file}, line 3: must be YAML, got key 'epochs' stands twice. Correct what "
        "stands there; a value with special characters needs quotes.",
        id="a key twice",
    ),
    pytest.param(
        "- train\n",
        "{file}: must hold a mapping of sections, got ['train']. Write e.g. `train:` "
        "and below it `  epochs: 30`.",
        id="a list",
    ),
    pytest.param(
        "train: \x07",
        "{file}: must be YAML text, got unacceptable character #x0007: special "
        "characters are not allowed. Is it the right file?",
        id="control characters",
    ),
]


@pytest.mark.parametrize(("text", "message"), BAD_FILES)
def test_a_bad_file_is_one_clear_fault(tmp_path: Path, text: str, message: str) -> None:
    file = a_file(tmp_path, text)

    assert faults_of(file=file) == [message.format(file=file)]


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tile.jpeg"
    file.write_bytes(b"\xff\xd8\xff\xe0")

    assert faults_of(file=file) == [
        f"{file}: must be YAML in UTF-8, got other bytes. Is it the file?"
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "none.yaml"

    assert faults_of(file=file) == [
        f"{file}: must be a settings file, got No such file or directory. "
        "Check --settings."
    ]


def test_no_is_a_word_as_in_yaml_1_2() -> None:
    text = "cluster: {proxy: {no: localhost}}\ntrain: {xla: yes, mixed_precision: off}"

    settings = parse_settings(text, source="lcc.yaml")

    assert settings.cluster.proxy.no == "localhost"
    assert (settings.train.xla, settings.train.mixed_precision) == (True, False)


def test_the_small_backbone_has_no_weights_to_load() -> None:
    assert faults_of(overrides=["model.backbone=small"]) == [
        "model.weights: must be none for the backbone small, which is trained from "
        "scratch, got imagenet. Set model.weights to none."
    ]


def test_a_grid_of_the_small_backbone_is_judged_like_the_setting() -> None:
    grid = ["search.grid.model.backbone=[small]"]

    [fault] = faults_of(overrides=grid)

    assert fault.startswith("search.grid.model.backbone: model.weights: must be none")
    assert load_settings(overrides=[*grid, "model.weights=none"]).search.grid


def test_a_hint_never_repeats_what_was_refused() -> None:
    [fault] = faults_of(overrides=["search.grid.data.tile_size_px=[96]"])

    assert "Did you mean data.tile_size_px" not in fault
