"""Whole outputs and exit codes of commands that run no step."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from lcc import __version__
from lcc.cli.main import cli
from lcc.storage.layout import FORMAT_VERSION
from lcc.storage.local import LocalStore

ROOT = Path("lcc-study")


def launch(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="lcc-launch", env=environ)


def root() -> LocalStore:
    return LocalStore(ROOT)


def test_the_version_is_told() -> None:
    assert launch("--version").output == f"lcc-launch, version {__version__}\n"


def test_the_schema_is_json() -> None:
    schema = json.loads(launch("schema").output)

    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) >= {"data", "train", "launch"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell: str) -> None:
    output = launch("completion", shell).output

    assert "lcc-launch" in output
    assert "_LCC_LAUNCH_COMPLETE" in output


def test_an_unknown_command_is_met_with_a_near_one() -> None:
    result = launch("piplne")

    assert (result.exit_code, result.output) == (
        2,
        "Usage: lcc-launch [OPTIONS] COMMAND [ARGS]...\n"
        "Try 'lcc-launch --help' for help.\n"
        "\n"
        "Error: No such command 'piplne'. Did you mean pipeline?\n",
    )


def test_an_unknown_option_is_met_with_a_near_one() -> None:
    result = launch("train", "--learningrate", "3")

    assert (result.exit_code, result.output) == (
        2,
        "Usage: lcc-launch train [OPTIONS]\n"
        "Try 'lcc-launch train --help' for help.\n"
        "\n"
        "Error: No such option '--learningrate'. Did you mean '--learning-rate'?\n",
    )


def test_without_a_cluster_local_is_asked_for() -> None:
    result = launch("train", KUBECONFIG="/nowhere")

    assert (result.exit_code, result.output) == (
        2,
        "Error: kubeconfig /nowhere: must exist, got no such file. Set KUBECONFIG, or "
        "pass --local to run on this machine.\n",
    )


def test_faults_come_one_a_line() -> None:
    result = launch("train", "--local", "--epochs", "0", "--set", "launch.gpu=1")

    assert (result.exit_code, result.output) == (
        2,
        "Error: train.epochs: must be at least 1, got 0. Change --epochs.\n"
        "       launch.gpu: is not a setting, got it from --set launch.gpu. "
        "Did you mean launch.gpus?\n",
    )


def test_a_dry_run_prints_the_plan_as_yaml() -> None:
    result = launch(
        "train", "--local", "--gpus", "4", "--dry-run", "client", "--set",
        "model.frozen_stages=all", "--set", "launch.parallelism=3",
    )  # fmt: skip

    plan = yaml.safe_load(result.output)
    assert result.exit_code == 0
    assert plan["stages"] == [
        {
            "stage": "train",
            "steps": [
                {"step": "features", "module": "jobs.features", "processes": 3,
                 "at_once": 3, "gpus": 1},
                {"step": "train", "module": "jobs.train", "processes": 1,
                 "at_once": 1, "gpus": 4},
            ],
        }
    ]  # fmt: skip
    assert plan["settings"]["storage"]["root"] == ROOT.absolute().as_uri()
    assert not ROOT.exists()


def test_a_dry_run_of_a_pipeline_names_source_and_data_set() -> None:
    result = launch("pipeline", "Lung Tiles/", "--local", "--dry-run", "client")

    plan = yaml.safe_load(result.output)
    assert [stage["stage"] for stage in plan["stages"]] == [
        "prepare",
        "train",
        "evaluate",
    ]
    assert plan["settings"]["data"]["source"] == Path("Lung Tiles").absolute().as_uri()
    assert plan["settings"]["data"]["name"] == "lung-tiles"


def test_variables_are_settings() -> None:
    result = launch("train", "--local", "--dry-run", "client", LCC_TRAIN_EPOCHS="7")

    assert yaml.safe_load(result.output)["settings"]["train"]["epochs"] == 7


def test_prepare_wants_a_source() -> None:
    result = launch("prepare", "--local")

    assert (result.exit_code, result.output) == (
        2,
        "Error: data.source: must be set, got nothing. Name a folder or s3://… URI.\n",
    )


def test_a_missing_folder_is_named_before_anything_is_written() -> None:
    result = launch("prepare", "tiels", "--local")

    assert (result.exit_code, result.output) == (
        3,
        f"Error: data.source: must be a folder, got {Path('tiels').absolute()}, which "
        "is none. Check the path.\n",
    )
    assert not ROOT.exists()


def test_two_readings_of_folders_are_refused_before_anything_is_written() -> None:
    for name in ("siteA/tumour", "siteA/normal", "siteB/tumour", "siteB/normal"):
        Path("tiles", name).mkdir(parents=True)
        Path("tiles", name, "1.png").touch()

    result = launch("prepare", "tiles", "--local")

    source = Path("tiles").absolute()
    assert (result.exit_code, result.output) == (
        3,
        "Error: data.class_level: must say which of these folders are the classes, got "
        f"none for {source}.\n"
        "         tiles/  4 images\n"
        "           siteA/ siteB/  (level 1)\n"
        "             normal/ tumour/  (level 2)\n"
        "       Pass the one that is meant:\n"
        "         --set data.class_level=1   2 classes: siteA, siteB\n"
        "         --set data.class_level=2   2 classes: normal, tumour\n"
        "       or tell classes by data.classes, data.labels_csv or "
        "data.class_pattern.\n",
    )
    assert list(root().list_objects()) == []


def test_a_mistyped_scheme_is_met_with_a_near_one() -> None:
    result = launch("prepare", "s4://lab/tiles", "--local")

    assert (result.exit_code, result.output) == (
        2,
        "Error: s4://lab/tiles: scheme must be one of file, s3, got s4. Did you mean "
        "s3://lab/tiles? Use a path, file:///folder or s3://bucket/prefix.\n",
    )


def test_training_needs_a_catalogue() -> None:
    result = launch("train", "--local")

    assert (result.exit_code, result.output) == (
        3,
        f"Error: {ROOT.absolute()}: must hold a prepared data set, got none. Check "
        "--root, or run first: lcc-launch prepare SOURCE --local --root "
        f"{ROOT.absolute()}\n",
    )


def prepared(*names: str, version: int = FORMAT_VERSION) -> None:
    for name in names:
        document = {"catalogue": "ab" * 32, "format": version}
        root().write(f"datasets/{name}/latest.json", json.dumps(document).encode())


def test_several_data_sets_are_asked_about() -> None:
    prepared("colon", "lung")

    result = launch("search", "--local")

    assert (result.exit_code, result.output) == (
        2,
        "Error: data.name: must be set where a root has several data sets, got "
        "nothing. Pass --name with one of colon, lung.\n",
    )


def test_an_unknown_data_set_is_met_with_a_near_one() -> None:
    prepared("colon", "lung")

    result = launch("search", "--local", "--name", "lnug")

    assert (result.exit_code, result.output) == (
        3,
        f"Error: data.name: must be a prepared data set of {ROOT.absolute()}, got "
        "lnug. Did you mean lung?\n",
    )


def test_a_catalogue_of_another_version_is_refused() -> None:
    prepared("lung", version=0)

    result = launch("train", "--local")

    assert (result.exit_code, result.output) == (
        3,
        f"Error: {ROOT.absolute()}/datasets/lung/latest.json: format must be "
        f"{FORMAT_VERSION}, got 0. Use the release of lcc that wrote it, or run again: "
        f"lcc-launch prepare SOURCE --local --root {ROOT.absolute()}\n",
    )


def test_evaluate_needs_a_model() -> None:
    prepared("lung")

    result = launch("evaluate", "--local", "--run", "train-x")

    assert (result.exit_code, result.output) == (
        3,
        "Error: evaluate.model_run: must be a finished train run, got train-x. "
        "Trained runs: none.\n",
    )


def test_a_sample_is_drawn_and_the_next_command_named() -> None:
    result = launch(
        "sample", "tiles", "--sources=2", "--copies=2", "--size-px=48", "--quiet"
    )

    assert (result.exit_code, result.output) == (
        0,
        "15 tiles in tiles\nnext: lcc-launch pipeline tiles --local "
        "--set model.backbone=small --set model.weights=none\n",
    )
    assert len(list(Path("tiles").rglob("*.jpeg"))) == 15


def test_a_sample_does_not_mix_with_other_files() -> None:
    Path("tiles").mkdir()
    Path("tiles/mine.txt").touch()

    result = launch("sample", "tiles")

    assert (result.exit_code, result.output) == (
        2,
        "Error: tiles: must be empty or new, got files. Name another folder.\n",
    )


def test_no_escape_codes_where_the_output_is_no_terminal() -> None:
    result = launch(
        "sample", "tiles", "--sources", "2", "--copies", "1", "--size-px", "32"
    )

    assert "\x1b" not in result.output
    assert "step=sample event=started processes=1\n" in result.output
