"""`predict`: what it refuses before anything runs, and how the table comes home."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from lcc.cli.bringing import bring_home
from lcc.cli.main import cli
from lcc.errors import ConfigError
from lcc.storage import layout
from lcc.storage.local import LocalStore
from tests.builders.answering import PREDICT_RUN, a_trained_model
from tests.builders.pictures import a_file, a_picture

ROOT = Path("lcc-study")


def predict(*words: str) -> Result:
    return CliRunner().invoke(cli, ["predict", *words], prog_name="lcc-launch")


def a_source() -> str:
    Path("new").mkdir()
    Path("new/a.png").write_bytes(a_file(a_picture()))
    return "new"


def no_run_was_made() -> bool:
    return not list(ROOT.glob("runs/predict-*"))


@pytest.mark.parametrize(
    ("output", "message"),
    [
        pytest.param(
            "table.xlsx", "must end in one of .csv, .parquet, got table.xlsx", id="form"
        ),
        pytest.param("no/such.csv", "must lie in a folder, got no", id="no folder"),
        pytest.param(
            "folder.csv", "must be a file to write, got folder.csv", id="a folder"
        ),
        pytest.param("/proc/a.csv", "must be a file to write, got", id="no rights"),
    ],
)
def test_an_output_that_cannot_be_written_is_told_before_anything_runs(
    output: str, message: str
) -> None:
    Path("folder.csv").mkdir()
    a_trained_model(LocalStore(ROOT))

    result = predict(a_source(), "--local", "--output", output)

    assert result.exit_code == 2
    assert f"Error: --output: {message}" in result.output
    assert no_run_was_made()


def test_what_was_in_the_output_stays_where_the_launch_is_refused() -> None:
    Path("mine.csv").write_text("mine")

    result = predict(a_source(), "--local", "--output", "mine.csv")

    assert result.exit_code == 3
    assert "must hold a trained model, got none" in result.output
    assert Path("mine.csv").read_text() == "mine"


def test_a_detached_run_brings_nothing_home() -> None:
    result = predict("s3://lab/new", "--detach", "--output", "mine.csv")

    assert result.exit_code == 2
    assert "--output: must not go with --detach, got mine.csv" in result.output


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(
            ("--local",), 2, "predict.source: must be set, got nothing", id="no source"
        ),
        pytest.param(
            ("gone", "--local"), 3, "gone: must be a folder with images, got none",
            id="no folder",
        ),
        pytest.param(
            ("new", "--local", "--model", "train-x"), 3,
            "predict.model_run: must be a finished train run, got train-x. Trained "
            "runs: train-20261128-0900-aaaa.", id="no such run",
        ),
        pytest.param(
            ("new", "--local", "--model", "champion"), 3,
            "predict.model_run: must be a model of the registry, got champion, which "
            "it has not", id="no champion",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_error(
    words: tuple[str, ...], code: int, message: str
) -> None:
    a_trained_model(LocalStore(ROOT))
    a_source()

    result = predict(*words)

    assert (result.exit_code, message in result.output) == (code, True), result.output
    assert no_run_was_made()


def test_a_dry_run_prints_three_steps() -> None:
    result = predict("new tiles/", "--local", "--dry-run", "client", "--resize")

    plan = yaml.safe_load(result.output)
    [stage] = plan["stages"]
    assert [step["step"] for step in stage["steps"]] == ["images", "predict", "collect"]
    own = plan["settings"]["predict"]
    assert own["source"] == (Path.cwd() / "new tiles").as_uri()
    assert own["resize"] is True


def test_a_printed_manifest_names_the_train_run_itself(tmp_path: Path) -> None:
    result = predict(
        "s3://lab/new", "--dry-run", "client", "--model", "champion", "--root",
        "s3://own/root", "--set", "cluster.s3_secret=keys",
    )  # fmt: skip

    assert result.exit_code == 2
    assert "predict.model_run: must be set where no bucket is asked" in result.output


@pytest.mark.parametrize("name", ["mine.csv", "mine.parquet"])
def test_the_table_of_the_asked_form_replaces_the_file_whole(name: str) -> None:
    store = LocalStore(ROOT)
    store.write(layout.predictions_csv(PREDICT_RUN), b"mine.csv")
    store.write(layout.predictions(PREDICT_RUN), b"mine.parquet")
    Path(name).write_text("something longer that was there before")

    bring_home(store, PREDICT_RUN, Path(name))

    assert Path(name).read_text() == name
    assert store.read(layout.predictions_csv(PREDICT_RUN)) == b"mine.csv"
    assert sorted(path.name for path in Path().iterdir()) == ["lcc-study", name]


def test_a_run_that_left_no_table_brings_none() -> None:
    bring_home(LocalStore(ROOT), PREDICT_RUN, Path("mine.csv"))

    assert not Path("mine.csv").exists()


def test_where_the_file_cannot_be_written_in_the_end_its_place_is_told() -> None:
    store = LocalStore(ROOT)
    store.write(layout.predictions_csv(PREDICT_RUN), b"rows")
    Path("mine.csv").mkdir()

    with pytest.raises(ConfigError, match=f"The table lies at .*{PREDICT_RUN}"):
        bring_home(store, PREDICT_RUN, Path("mine.csv"))
