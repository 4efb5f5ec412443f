"""`lcc-launch export`: which model, into which folder, and what is said of it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lcc.cli.main import cli
from lcc.errors import ConfigError
from lcc.launch.needs import check_installed
from lcc.predict.exported import read_exported
from lcc.storage import layout
from lcc.storage.local import LocalStore
from tests.builders.exports import EVALUATION, MODEL_RUN, a_trained_root

# Several devices, as other tests of the process need them: before any tensor.
pytestmark = pytest.mark.usefixtures("logical_devices")


def export(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ("export", *arguments), prog_name="lcc-launch")


@pytest.fixture
def store() -> LocalStore:
    """Return the root of the working folder."""
    return a_trained_root(Path("lcc-study").absolute())


def test_a_train_run_is_exported_into_a_folder_of_its_name(store: LocalStore):
    result = export(MODEL_RUN, "--format", "keras")

    assert result.exit_code == 0, result.output
    said = result.stdout.splitlines()
    assert said[0].startswith("compared with Keras on 20 validation tiles: largest")
    assert said[0].endswith(", same class 20 of 20")
    folder = Path(f"{MODEL_RUN}-keras").absolute()
    assert said[1:] == [str(folder)]
    assert result.stderr == (
        "licence: none in model.json. Set it before the folder is passed on. Not for "
        "clinical use.\n"
    )
    assert read_exported(folder).evaluation == EVALUATION


def test_what_a_user_should_know_is_told():
    root = Path("lcc-study").absolute()
    a_trained_root(root, is_evaluated=False, has_tiles=False)

    result = export(MODEL_RUN, "--format", "h5", "--output", "out")

    assert result.exit_code == 0, result.output
    assert "compared with Keras on 128 drawn images" in result.stdout
    assert "The packed tiles are gone" in result.stderr
    assert f"lcc-launch evaluate --run {MODEL_RUN}" in result.stderr


def test_for_onnx_the_way_to_a_configuration_is_told(store: LocalStore):
    plain = export(MODEL_RUN, "--format", "onnx", "--output", "plain")
    spaced = export(
        MODEL_RUN, "--format", "onnx", "--spacing-um", "0.5", "--output", "spaced"
    )

    assert (plain.exit_code, spaced.exit_code) == (0, 0)
    assert "No config.json for WSInfer: pass --spacing-um" in plain.stderr
    assert not Path("plain/config.json").exists()
    assert "config.json" not in spaced.stderr
    assert Path("spaced/config.json").exists()


def test_integers_have_a_folder_of_their_own(store: LocalStore):
    result = export(MODEL_RUN, "--format", "tflite", "--quantize", "int8")

    assert result.exit_code == 0, result.output
    assert read_exported(Path(f"{MODEL_RUN}-int8")).quantized


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param((MODEL_RUN,), 2, "Missing option '--format'", id="no format"),
        pytest.param(
            (MODEL_RUN, "--format", "onx"),
            2,
            "'onx' is not one of 'keras', 'savedmodel', 'onnx', 'tflite', 'h5'",
            id="unknown format",
        ),
        pytest.param(
            ("train-x", "--format", "keras"),
            3,
            "RUN: must be a finished train run, got train-x.",
            id="unknown run",
        ),
        pytest.param(
            (EVALUATION, "--format", "keras"),
            3,
            f"Trained runs: {MODEL_RUN}.",
            id="an evaluation",
        ),
        pytest.param(
            ("champion", "--format", "keras"),
            3,
            "RUN: must be a model of the registry, got champion, which it has not. ",
            id="no champion",
        ),
        pytest.param(
            (MODEL_RUN, "--format", "keras", "--output", "full"),
            2,
            "--output: must be a new or an empty folder, got ",
            id="a full folder",
        ),
        pytest.param(
            (MODEL_RUN, "--format", "keras", "--output", "full/kept.txt/out"),
            2,
            "--output: must be a folder that can be made, got ",
            id="below a file",
        ),
        pytest.param(
            (MODEL_RUN, "--format", "onnx", "--spacing-um", "0"),
            2,
            "0.0 is not in the range x>0",
            id="no spacing",
        ),
    ],
)
def test_what_cannot_be_exported_is_said(
    store: LocalStore, arguments: tuple[str, ...], code: int, message: str
):
    Path("full").mkdir()
    Path("full/kept.txt").touch()

    result = export(*arguments)

    assert (result.exit_code, message in result.stderr) == (code, True), result.output
    assert [path.name for path in Path("full").iterdir()] == ["kept.txt"]


def test_a_model_that_is_gone_is_said(store: LocalStore):
    store.delete(layout.model(MODEL_RUN))

    result = export(MODEL_RUN, "--format", "keras")

    assert result.exit_code == 3
    assert "Its model is gone: bring it back, or train again." in result.stderr


def test_a_missing_module_is_told_with_the_extra_that_brings_it():
    with pytest.raises(ConfigError) as err:
        check_installed(
            ("onnx",), what="--format onnx", extra="export", find=lambda _: None
        )

    assert str(err.value) == (
        "onnx: must be installed for --format onnx on this machine, got no such "
        "module. In a checkout of lcc: pip install '.[export]'"
    )
