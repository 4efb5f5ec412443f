"""`report` and `compare`: outputs and exit codes, on evaluations that were kept."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lcc.cli.main import cli
from lcc.config.storage import StorageSettings
from lcc.launch.state import RunStatus, write_state
from lcc.storage import layout
from lcc.storage.local import LocalStore
from lcc.storage.uri import open_store
from tests.builders.evaluations import MODEL_RUN, keep_evaluation, keep_search
from tests.builders.launches import a_state

ONE, TWO = "evaluate-20261128-0140-aaaa", "evaluate-20261128-0150-bbbb"
PIPELINE = "pipeline-20261128-0110-abcd"


@pytest.fixture
def store() -> LocalStore:
    return LocalStore(Path("lcc-study"))


def launch(*arguments: str) -> Result:
    env = {"COLUMNS": "80"}
    return CliRunner().invoke(cli, arguments, prog_name="lcc-launch", env=env)


def compare(*arguments: str) -> Result:
    return launch("compare", *arguments, "--set", "evaluate.num_bootstrap=200")


def test_a_report_is_made_anew_without_model_and_tiles(store: LocalStore):
    keep_evaluation(store)

    result = launch("report")

    report = Path("lcc-study/runs", ONE, "report.html").absolute()
    verdict, forecast, where = result.stdout.splitlines()
    assert result.exit_code == 0
    assert verdict.startswith("Macro F1 on the test is 0.300 above the best baseline")
    assert forecast.startswith("With twice the groups")
    assert where == str(report)
    assert f'<p class="verdict">{verdict}' in report.read_text(encoding="utf-8")
    labels = store.read(layout.evaluation(ONE, "labels.html")).decode()
    assert "set evaluate.search_run to a search of this catalogue" in labels
    document = json.loads(store.read(layout.evaluation(ONE, "metrics.json")))
    assert document["metrics"]["accuracy"]["value"] == pytest.approx(0.8)


def test_the_latest_evaluation_that_is_done_is_meant(store: LocalStore):
    keep_evaluation(store, ONE, created="2026-11-28T01:40:00+00:00")
    keep_evaluation(
        store, TWO, created="2026-11-28T01:50:00+00:00", status=RunStatus.FAILED
    )

    assert ONE in launch("report").stdout


@pytest.mark.parametrize(
    ("run_id", "exit_code", "text"),
    [
        ("evaluate-20261128-0140-aaab", 3, f"no such run. Did you mean {ONE}?"),
        ("train-1", 2, "run train-1: must be an evaluation, got a run of train."),
        (PIPELINE, 2, f"got a run of pipeline. Those of this pipeline: {ONE}."),
    ],
)
def test_what_is_no_evaluation_is_refused(
    store: LocalStore, run_id: str, exit_code: int, text: str
):
    keep_evaluation(store)
    write_state(store, a_state("train-1"))
    write_state(store, a_state(PIPELINE, stages={"evaluate": ONE}, steps=[]))

    result = launch("report", run_id)

    assert result.exit_code == exit_code
    assert text in result.stderr


def test_a_root_without_evaluations_says_so(store: LocalStore):
    write_state(store, a_state("train-1"))

    result = launch("report")

    assert result.exit_code == 3
    assert "must hold an evaluation that is done, got none." in result.stderr


def test_an_evaluation_of_an_older_release_has_no_predictions(store: LocalStore):
    keep_evaluation(store)
    Path("lcc-study/runs", ONE, "predictions.parquet").unlink()

    result = launch("report", ONE)

    assert result.exit_code == 3
    text = f"run {ONE}: must be an evaluation that has left predictions.parquet, got"
    assert text in result.stderr


def test_two_evaluations_make_a_table_and_a_page(store: LocalStore):
    keep_evaluation(store, ONE, share_right=0.6)
    keep_evaluation(store, TWO, share_right=0.9)

    result = compare(ONE, TWO)

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[:4]] == ["MODEL", TWO, ONE, "forest"]
    assert " * " in lines[2]
    assert lines[-1] == "compare.html"
    page = Path("compare.html").read_text(encoding="utf-8")
    assert page.index(TWO) < page.index(ONE)


def test_a_study_brings_its_evaluations_and_its_search(store: LocalStore):
    keep_evaluation(store, search_run="search-20261128-0120-aaaa")
    keep_search(store)
    write_state(store, a_state(PIPELINE, stages={"evaluate": ONE}, steps=[]))

    result = compare("--study", PIPELINE, "--output", "study.html")

    assert result.exit_code == 0
    page = Path("study.html").read_text(encoding="utf-8")
    assert "Search search-20261128-0120-aaaa" in page
    assert "4 trials, each point on each fold; 1 failed" in page


def test_a_data_set_brings_the_latest_evaluation_of_each_model(store: LocalStore):
    again, other = "evaluate-20261128-0200-cccc", "train-20261128-0135-bbbb"
    for run_id, model_run in ((ONE, MODEL_RUN), (TWO, other), (again, MODEL_RUN)):
        created = f"2026-11-28T{run_id[18:20]}:{run_id[20:22]}:00+00:00"
        keep_evaluation(store, run_id, model_run=model_run, created=created)

    result = compare("--name", "lung", "--output", "figures.json")

    assert result.exit_code == 0
    standings = json.loads(Path("figures.json").read_text())["standings"]
    assert {own["name"] for own in standings} == {TWO, again, "forest"}


def test_figures_are_written_as_json_too(store: LocalStore):
    keep_evaluation(store)

    result = compare(ONE, "--output", "figures.json")

    assert result.exit_code == 0
    document = json.loads(Path("figures.json").read_text(encoding="utf-8"))
    assert [own["name"] for own in document["standings"]] == [ONE, "forest"]


def test_runs_on_different_tests_are_refused_unless_in_common(store: LocalStore):
    keep_evaluation(store, ONE)
    keep_evaluation(store, TWO, num_groups=24)

    refused = compare(ONE, TWO)
    shared = compare(ONE, TWO, "--common")

    assert refused.exit_code == 2
    assert f"got {ONE} on lung" in refused.stderr
    assert f"and {TWO} on lung" in refused.stderr
    assert shared.exit_code == 0
    assert f"Left out: 60 of {ONE}." in " ".join(shared.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "exit_code", "text"),
    [
        ([], 2, "RUN: must be given, got none."),
        ([ONE, "--output", "page.pdf"], 2, "--output: must end in one of .html, .json"),
        ([ONE, "--search", "train-1"], 3, "--search: must be a search that is done"),
        (["--study", ONE], 2, f"--study: must be a pipeline, got {ONE}"),
        (["--study", PIPELINE], 2, "--study: must have come to an evaluation"),
        (["--name", "colon"], 3, "--name: must have an evaluation that is done"),
        (["evaluate-1"], 3, "run evaluate-1: must exist"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    store: LocalStore, arguments: list[str], exit_code: int, text: str
):
    keep_evaluation(store)
    write_state(store, a_state("train-1"))
    write_state(store, a_state(PIPELINE, steps=[]))

    result = compare(*arguments)

    assert result.exit_code == exit_code
    assert text in result.stderr
    assert not Path("compare.html").exists()


def test_what_lies_in_a_bucket_is_compared_and_reported(s3_bucket: str):
    root = f"s3://{s3_bucket}/study"
    store = open_store(root, StorageSettings())
    keep_evaluation(store)

    compared = compare(ONE, "--root", root, "--local")
    reported = launch("report", "--root", root, "--local")

    assert compared.exit_code == reported.exit_code == 0
    assert compared.stdout.splitlines()[1].startswith(ONE)
    assert reported.stdout.splitlines()[-1] == f"{root}/runs/{ONE}/report.html"


def test_neither_loads_tensorflow_and_comparing_draws_nothing():
    code = (
        "import sys\n"
        "import lcc.evaluate.leaderboard\n"
        "assert not {'matplotlib', 'seaborn'} & set(sys.modules)\n"
        "import lcc.evaluate.evaluation\n"
        "assert not {'keras', 'tensorflow', 'mlflow'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, stderr=-1)

    assert (done.returncode, done.stderr) == (0, b"")
