"""An export is a whole folder that says what the trained network says, or nothing."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from lcc.config.load import changed_settings, dump_settings
from lcc.data.digest import digest_of
from lcc.errors import CheckFailed, ConfigError, DataError, LccError, NotFoundError
from lcc.launch.state import read_run_settings
from lcc.predict.export import ExportRequest, export_model
from lcc.predict.exported import Verified, read_exported
from lcc.predict.formats import Format
from lcc.predict.sameness import check_same, compare
from lcc.storage import layout
from lcc.storage.local import LocalStore
from tests.builders.exports import (
    EVALUATION,
    MAX_NOVELTY,
    MODEL_RUN,
    SHARD,
    SIDE_PX,
    TEMPERATURE,
    THRESHOLD,
    a_network,
    a_trained_root,
)
from tests.builders.predictions import CLASSES

# Several devices, as other tests of the process need them: before any tensor.
pytestmark = pytest.mark.usefixtures("logical_devices")
KERAS = ExportRequest(
    model_run=MODEL_RUN, evaluation=EVALUATION, written_as=Format.KERAS
)
ONNX = replace(KERAS, written_as=Format.ONNX)
INT8 = replace(KERAS, written_as=Format.TFLITE, is_quantized=True)
SAME = Verified(num_images=100, are_drawn=False, max_difference=1e-6, num_same_class=99)


def export(store: LocalStore, tmp_path: Path, request: ExportRequest = KERAS) -> Path:
    """Export into `tmp_path/out`; return that."""
    folder = tmp_path / "out"
    export_model(store, request, folder, scratch=tmp_path)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return a_trained_root(tmp_path / "root")


def test_the_folder_says_all_that_is_needed_to_run_the_network(
    store: LocalStore, tmp_path: Path
):
    folder = export(store, tmp_path, ONNX)

    facts = json.loads((folder / "model.json").read_text())
    assert facts["verified"].pop("max_difference") < 1e-5
    versions = facts.pop("software")
    assert facts == {
        "schema_version": 1,
        "written_as": "onnx",
        "quantized": False,
        "network": "network.onnx",
        "class_names": list(CLASSES),
        "side_px": SIDE_PX,
        "input_name": "image",
        "layout": "NHWC",
        "colour_order": "RGB",
        "value_range": [0.0, 255.0],
        "softmax_included": True,
        "calibrated": True,
        "temperature": TEMPERATURE,
        "threshold": THRESHOLD,
        "max_error": 0.01,
        "max_novelty": MAX_NOVELTY,
        "train_run": MODEL_RUN,
        "evaluation": EVALUATION,
        "catalogue": json.loads(store.read(layout.model_card(MODEL_RUN)))["catalogue"],
        "trained_sha256": digest_of(tmp_path / "root" / layout.model(MODEL_RUN)),
        "verified": {"num_images": 20, "are_drawn": False, "num_same_class": 20},
        "licence": None,
        "files": {
            name: digest_of(folder / name)
            for name in ("model_card.md", "network.onnx", "novelty.npz")
        },
    }
    assert versions.keys() == {"lcc", "keras", "tensorflow"}
    assert {path.name for path in folder.iterdir()} == {"model.json", *facts["files"]}
    assert [path.name for path in tmp_path.iterdir() if path.name[0] == "."] == []


def test_without_an_evaluation_nothing_is_calibrated_nor_refused(
    store: LocalStore, tmp_path: Path
):
    folder = export(store, tmp_path, replace(KERAS, evaluation=None))

    facts = read_exported(folder)
    assert (facts.calibrated, facts.temperature, facts.threshold) == (False, 1.0, 0.0)
    assert (facts.evaluation, facts.max_novelty) == (None, None)
    assert list(facts.files) == ["network.keras"]


@pytest.mark.parametrize("has_catalogue", [True, False])
def test_where_the_packed_tiles_are_gone_drawn_ones_are_compared_on(
    tmp_path: Path, has_catalogue: bool
):
    store = a_trained_root(tmp_path / "root", has_tiles=False)
    if not has_catalogue:
        digest = json.loads(store.read(layout.model_card(MODEL_RUN)))["catalogue"]
        store.delete(layout.catalogue("lung", digest))

    facts = read_exported(export(store, tmp_path))

    assert facts.verified.are_drawn
    assert facts.verified.num_images == 128


def test_a_damaged_shard_of_tiles_is_said_and_nothing_written(
    store: LocalStore, tmp_path: Path
):
    store.write(SHARD, b"short")

    with pytest.raises(DataError, match="must be the 40 tiles that were packed"):
        export(store, tmp_path)

    assert not (tmp_path / "out").exists()


def test_integers_are_fitted_to_training_tiles_and_compared_by_class(
    store: LocalStore, tmp_path: Path
):
    facts = read_exported(export(store, tmp_path, INT8))

    assert (facts.quantized, facts.network) == (True, "network.tflite")
    assert facts.verified.num_same_class >= 0.95 * facts.verified.num_images


def test_without_training_tiles_there_are_no_integers(tmp_path: Path):
    store = a_trained_root(tmp_path / "root", has_tiles=False)

    with pytest.raises(NotFoundError, match="--quantize: needs tiles of the training"):
        export(store, tmp_path, INT8)


def test_with_a_spacing_the_configuration_is_one_that_wsinfer_reads(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))  # its import makes a folder there
    from wsinfer_zoo.client import ModelConfiguration

    settings = read_run_settings(store, MODEL_RUN)
    changed = changed_settings(settings, {"model.backbone": "file:///lab/lite0.keras"})
    store.write(layout.run_settings(MODEL_RUN), dump_settings(changed).encode())

    folder = export(store, tmp_path, replace(ONNX, spacing_um=0.5))

    config = json.loads((folder / "config.json").read_text())
    read = ModelConfiguration.from_dict(config)
    assert (read.spacing_um_px, read.patch_size_pixels) == (0.5, SIDE_PX)
    assert (read.num_classes, read.class_names) == (3, list(CLASSES))
    assert read.architecture == "lite0"
    facts = read_exported(folder)
    assert (facts.layout, facts.softmax_included) == ("NCHW", False)


def test_the_transforms_of_the_configuration_give_what_the_network_takes(
    store: LocalStore, tmp_path: Path
):
    folder = export(store, tmp_path, replace(ONNX, spacing_um=0.5))

    transform = json.loads((folder / "config.json").read_text())["transform"]
    assert [step["name"] for step in transform] == ["Resize", "ToTensor", "Normalize"]
    last = transform[-1]["arguments"]
    values = np.array([0, 51, 255])
    given = (values / 255 - last["mean"]) / last["std"]
    assert given == pytest.approx(values)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        pytest.param(
            replace(ONNX, is_quantized=True),
            "--quantize: is of --format tflite, got onnx. Leave it out.",
            id="quantized",
        ),
        pytest.param(
            replace(KERAS, spacing_um=0.5),
            "--spacing-um: is of --format onnx, got keras. Leave it out.",
            id="spacing",
        ),
    ],
)
def test_options_of_another_format_are_refused(
    store: LocalStore, tmp_path: Path, request_: ExportRequest, message: str
):
    with pytest.raises(ConfigError) as err:
        export(store, tmp_path, request_)

    assert str(err.value) == message


@pytest.mark.parametrize("what", ["file", "full folder"])
def test_what_is_there_is_never_written_over(
    store: LocalStore, tmp_path: Path, what: str
):
    out = tmp_path / "out"
    kept = out if what == "file" else out / "kept.txt"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("mine")

    with pytest.raises(ConfigError, match="--output: must be a new or an empty folder"):
        export(store, tmp_path)

    assert kept.read_text() == "mine"


def test_an_empty_folder_is_filled(store: LocalStore, tmp_path: Path):
    (tmp_path / "out").mkdir()

    assert read_exported(export(store, tmp_path)).network == "network.keras"


def test_a_network_that_is_not_the_one_that_was_trained_is_refused(
    store: LocalStore, tmp_path: Path
):
    store.write(layout.model(MODEL_RUN), store.read(layout.model(MODEL_RUN)) + b"\0")

    with pytest.raises(
        DataError, match=r"model.keras: SHA-256 must be .*, as it was tr"
    ):
        export(store, tmp_path)
    assert not (tmp_path / "out").exists()


def with_network(store: LocalStore, model: keras.Model) -> None:
    """Have another network be the one that was trained."""
    path = Path("other.keras")
    model.save(path)
    store.write(layout.model(MODEL_RUN), path.read_bytes())
    card = json.loads(store.read(layout.model_card(MODEL_RUN)))
    card["sha256"] = digest_of(path)
    store.write(layout.model_card(MODEL_RUN), json.dumps(card).encode())


def test_of_a_network_whose_answers_differ_nothing_is_kept(
    store: LocalStore, tmp_path: Path
):
    model = a_network()
    head = model.layers[-1]
    head.set_weights([np.full_like(weights, np.nan) for weights in head.get_weights()])
    with_network(store, model)

    with pytest.raises(CheckFailed, match="got a difference of nan on 20 images"):
        export(store, tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["root"]


def test_a_network_trained_in_half_precision_is_exported(
    store: LocalStore, tmp_path: Path
):
    with_network(store, a_network(policy="mixed_float16"))

    facts = read_exported(export(store, tmp_path, ONNX))

    assert 1e-5 < facts.verified.max_difference < 0.02


def test_networks_are_compared_by_probabilities_and_classes():
    said = np.array([[0.9, 0.1], [0.6, 0.4]])
    found = np.array([[0.9, 0.1], [0.4, 0.6]])

    verified = compare(said, found, are_drawn=True)

    assert verified.max_difference == pytest.approx(0.2)
    assert (verified.num_same_class, verified.num_images) == (1, 2)
    assert verified.are_drawn


@pytest.mark.parametrize(
    ("changes", "is_quantized", "is_half"),
    [
        pytest.param({"max_difference": 1e-4}, False, False, id="float32"),
        pytest.param({"max_difference": 0.02}, False, True, id="trained in float16"),
        pytest.param(
            {"max_difference": 0.3, "num_same_class": 95}, True, False, id="int8"
        ),
    ],
)
def test_a_network_near_enough_passes(changes: dict, is_quantized: bool, is_half: bool):
    verified = SAME.model_copy(update=changes)

    check_same(verified, is_quantized=is_quantized, is_half=is_half)


@pytest.mark.parametrize(
    ("changes", "is_quantized", "is_half", "message"),
    [
        pytest.param(
            {"max_difference": 2e-4},
            False,
            False,
            "network: probabilities must be within 0.0001 of those of Keras, got a "
            "difference of 0.0002 on 100 images. Choose another format. Nothing was "
            "written.",
            id="float32",
        ),
        pytest.param(
            {"max_difference": float("nan")}, False, False, "of nan on 100", id="NaN"
        ),
        pytest.param(
            {"max_difference": 0.03}, False, True, "within 0.02", id="float16"
        ),
        pytest.param(
            {"num_same_class": 94},
            True,
            False,
            "network: at least 95% of images must keep their class in int8, got 94 of "
            "100. Export without --quantize. Nothing was written.",
            id="int8",
        ),
    ],
)
def test_a_network_too_far_off_is_refused(
    changes: dict, is_quantized: bool, is_half: bool, message: str
):
    verified = SAME.model_copy(update=changes)

    with pytest.raises(LccError) as err:
        check_same(verified, is_quantized=is_quantized, is_half=is_half)

    assert err.value.exit_code == 4
    assert message in str(err.value)
