"""A loaded model answers in a notebook as an evaluation did."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import lcc
from lcc.errors import ConfigError, DataError, LccError, NotFoundError
from lcc.evaluate.calibration import scale
from lcc.predict.export import ExportRequest, export_model
from lcc.predict.formats import Format
from lcc.storage import layout
from lcc.storage.local import LocalStore
from tests.builders.exports import (
    EVALUATION,
    MODEL_RUN,
    SIDE_PX,
    TEMPERATURE,
    a_network,
    a_trained_root,
    some_tiles,
)
from tests.builders.predictions import CLASSES

# Several devices, as other tests of the process need them: before any tensor.
pytestmark = pytest.mark.usefixtures("logical_devices")
COLUMNS = [
    "path",
    "predicted",
    *(f"calibrated/{name}" for name in CLASSES),
    "novelty",
    "decision",
    "reason",
    "width_px",
    "height_px",
]
REQUEST = ExportRequest(
    model_run=MODEL_RUN, evaluation=EVALUATION, written_as=Format.KERAS
)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return a_trained_root(tmp_path / "root")


def a_file(folder: Path, name: str, pixels: np.ndarray) -> Path:
    path = folder / name
    cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return path


def exported(store: LocalStore, tmp_path: Path, request: ExportRequest = REQUEST):
    folder = tmp_path / "out"
    export_model(store, request, folder, scratch=tmp_path)
    return folder


def probabilities_of(answers) -> np.ndarray:
    return answers[[f"calibrated/{name}" for name in CLASSES]].to_numpy()


def test_a_train_run_answers_calibrated_and_with_its_thresholds(
    store: LocalStore, tmp_path: Path
):
    tiles = some_tiles()
    raw = np.asarray(a_network()(tiles.astype(np.float32), training=False), np.float64)
    expected = scale(raw, TEMPERATURE)

    model = lcc.load_model(MODEL_RUN, root=tmp_path / "root")
    answers = model.predict(list(tiles))

    assert list(answers.columns) == COLUMNS
    np.testing.assert_allclose(probabilities_of(answers), expected, atol=1e-6)
    said = np.array(CLASSES)[expected.argmax(axis=1)]
    assert answers["predicted"].tolist() == said.tolist()
    unfamiliar = answers["novelty"] > model.rules.known.threshold.value
    unsure = expected.max(axis=1) < model.rules.threshold
    assert (answers["decision"][unfamiliar] == "unfamiliar").all()
    assert (answers["decision"][~unfamiliar & unsure] == "refer").all()
    sure = ~unfamiliar & ~unsure
    assert answers["decision"][sure].tolist() == said[sure].tolist()
    assert all(part.any() for part in (unfamiliar, ~unfamiliar & unsure, sure))


@pytest.mark.parametrize("written_as", Format)
def test_an_exported_folder_answers_as_its_train_run(
    store: LocalStore, tmp_path: Path, written_as: Format
):
    folder = exported(store, tmp_path, replace(REQUEST, written_as=written_as))
    tiles = list(some_tiles())
    expected = lcc.load_model(MODEL_RUN, root=tmp_path / "root").predict(tiles)

    model = lcc.load_model(folder)
    answers = model.predict(tiles)

    np.testing.assert_allclose(
        probabilities_of(answers), probabilities_of(expected), atol=1e-5
    )
    if written_as in {Format.KERAS, Format.H5}:
        np.testing.assert_allclose(answers["novelty"], expected["novelty"], atol=1e-5)
        assert answers["decision"].tolist() == expected["decision"].tolist()
    else:  # it cannot tell what it has never seen
        assert answers["novelty"].isna().all()


def test_a_folder_of_wsinfer_answers_too(store: LocalStore, tmp_path: Path):
    request = replace(REQUEST, written_as=Format.ONNX, spacing_um=0.5)
    tiles = list(some_tiles())
    expected = lcc.load_model(MODEL_RUN, root=tmp_path / "root").predict(tiles)

    answers = lcc.load_model(exported(store, tmp_path, request)).predict(tiles)

    np.testing.assert_allclose(
        probabilities_of(answers), probabilities_of(expected), atol=1e-5
    )


def test_files_and_arrays_answer_alike_and_what_cannot_be_read_has_its_reason(
    store: LocalStore, tmp_path: Path
):
    tile = some_tiles(1)[0]
    wide = np.concatenate([tile, tile], axis=1)
    path = a_file(tmp_path, "a b.png", wide)
    broken = tmp_path / "broken.png"
    broken.write_bytes(path.read_bytes()[:60])

    model = lcc.load_model(f"runs/{MODEL_RUN}", root=tmp_path / "root")
    answers = model.predict([path, str(broken), wide])

    assert answers["path"][:2].tolist() == [str(path), str(broken)]
    assert answers["path"].isna().tolist() == [False, False, True]
    file, _, array = probabilities_of(answers)
    assert (file == array).all()
    assert answers["reason"].fillna("").tolist() == ["", "truncated", ""]
    nothing = answers.iloc[1][["predicted", "decision", "novelty"]]
    assert nothing.isna().all()
    assert answers["width_px"].tolist() == [2 * SIDE_PX] * 3
    assert answers["height_px"].tolist() == [SIDE_PX] * 3


def test_no_images_are_a_table_without_rows(store: LocalStore, tmp_path: Path):
    answers = lcc.load_model(MODEL_RUN, root=tmp_path / "root").predict([])

    assert list(answers.columns) == COLUMNS
    assert len(answers) == 0


@pytest.mark.parametrize(
    ("images", "kind", "message"),
    [
        pytest.param(
            ["no.png"],
            NotFoundError,
            "images[0]: must be a file, got no.png, which is not there. Check its "
            "path.",
            id="no file",
        ),
        pytest.param(
            [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)],
            DataError,
            "images[1]: must be (height, width, 3) uint8, RGB, got (4, 4) uint8. "
            "Convert it, with values of 0–255.",
            id="grey",
        ),
        pytest.param(
            [np.zeros((4, 4, 3))],
            DataError,
            "images[0]: must be (height, width, 3) uint8, RGB, got (4, 4, 3) float64. "
            "Convert it, with values of 0–255.",
            id="float",
        ),
        pytest.param(
            "a.png",
            DataError,
            "images: must be a list, got 'a.png' alone. Pass ['a.png'].",
            id="a path alone",
        ),
    ],
)
def test_what_is_no_image_is_refused_before_any_is_answered(
    store: LocalStore, tmp_path: Path, images: list, kind: type, message: str
):
    model = lcc.load_model(MODEL_RUN, root=tmp_path / "root")

    with pytest.raises(kind) as err:
        model.predict(images)

    assert str(err.value) == message


@pytest.mark.parametrize(
    ("place", "message"),
    [
        pytest.param("train-20261128-0915-k3f8", "Did you mean", id="near"),
        pytest.param("x", f"Trained runs: {MODEL_RUN}.", id="unknown"),
        pytest.param("./no-folder", "Name a folder that `export`", id="path"),
    ],
)
def test_a_place_without_a_model_is_said(
    store: LocalStore, tmp_path: Path, place: str, message: str
):
    with pytest.raises(NotFoundError, match=message):
        lcc.load_model(place, root=tmp_path / "root")


def test_a_model_that_is_gone_is_said(store: LocalStore, tmp_path: Path):
    store.delete(layout.model(MODEL_RUN))

    with pytest.raises(NotFoundError, match="Its model is gone: bring it back"):
        lcc.load_model(MODEL_RUN, root=tmp_path / "root")


def test_a_missing_library_is_told_with_the_extra_that_brings_it(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = exported(store, tmp_path, replace(REQUEST, written_as=Format.ONNX))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.raises(ConfigError) as err:
        lcc.load_model(folder)

    assert str(err.value) == (
        "onnxruntime: must be installed for a network of onnx, got no such module. In "
        "a checkout of lcc: pip install '.[export]'"
    )


def changed(folder: Path, **facts: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


@pytest.mark.parametrize(
    ("damage", "code", "message"),
    [
        pytest.param(
            lambda folder: (folder / "model.json").unlink(),
            3,
            "model.json: not found. Name a folder that `export` wrote",
            id="no facts",
        ),
        pytest.param(
            lambda folder: (folder / "model.json").write_text("{"),
            3,
            "model.json: must be as `export` wrote it, got a fault at content",
            id="garbled facts",
        ),
        pytest.param(
            lambda folder: changed(folder, side_px="many"),
            3,
            "got a fault at side_px",
            id="a wrong fact",
        ),
        pytest.param(
            lambda folder: (folder / "network.keras").unlink(),
            3,
            "network.keras: not found. Export again, or copy the whole folder.",
            id="no network",
        ),
        pytest.param(
            lambda folder: (folder / "novelty.npz").write_bytes(b"other"),
            3,
            "novelty.npz: must be the file that was exported, got other bytes",
            id="other references",
        ),
        pytest.param(
            lambda folder: changed(folder, class_names=["a", "b"]),
            3,
            "must name the 3 classes of the network beside it, got 2",
            id="other classes",
        ),
        pytest.param(
            lambda folder: changed(folder, side_px=99),
            3,
            "must be of the network beside it, got side_px 99, which fails (",
            id="another side",
        ),
        pytest.param(
            lambda folder: changed(folder, network="other.keras"),
            3,
            "files must have the SHA-256 of the network, got none of other.keras",
            id="a network that nobody exported",
        ),
        pytest.param(
            lambda folder: changed(folder, files={"network.keras": "ab"}),
            3,
            "network.keras: must be the file that was exported",
            id="other digests",
        ),
        pytest.param(
            lambda folder: changed(
                folder, network="../x.keras", files={"../x.keras": "ab"}
            ),
            3,
            "../x.keras: must lie below the root",
            id="a way out of the folder",
        ),
    ],
)
def test_a_damaged_folder_is_refused(
    store: LocalStore, tmp_path: Path, damage, code: int, message: str
):
    folder = exported(store, tmp_path)
    damage(folder)

    with pytest.raises(LccError) as err:
        lcc.load_model(folder)

    assert err.value.exit_code == code
    assert message in str(err.value)
