"""Whole outputs and exit codes of commands that run no step."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from lcc import __version__
from lcc.cli.main import cli
from lcc.launch.state import Status, StepState, write_state
from lcc.storage.local import LocalStore
from tests.builders.launches import a_state

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
    result = launch("train", "--epoch", "3")

    assert (result.exit_code, result.output) == (
        2,
        "Usage: lcc-launch train [OPTIONS]\n"
        "Try 'lcc-launch train --help' for help.\n"
        "\n"
        "Error: No such option '--epoch'. Did you mean '--epochs'?\n",
    )


def test_without_a_cluster_local_is_asked_for() -> None:
    result = launch("train")

    assert (result.exit_code, result.output) == (
        2,
        "Error: launch.backend: kubernetes is not available in this version "
        "(see CHANGELOG). Pass --local\n",
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
                 "at_once": 3, "gpus": 0},
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
        f"Error: {Path('tiels').absolute()}: must be a folder with one folder per "
        "class, got none. Check the path.\n",
    )
    assert not ROOT.exists()


def test_a_mistyped_scheme_is_met_with_a_near_one() -> None:
    result = launch("prepare", "s4://lab/tiles", "--local")

    assert (result.exit_code, result.output) == (
        2,
        "Error: s4://lab/tiles: scheme must be one of file, s3, got s4. Did you mean "
        "s3://? Use a path, file:///folder or s3://bucket/prefix.\n",
    )


def test_training_needs_a_catalogue() -> None:
    result = launch("train", "--local")

    assert (result.exit_code, result.output) == (
        3,
        f"Error: {root().uri}: must hold a prepared data set, got none. "
        'Run "lcc-launch prepare" first, or check --root.\n',
    )


def prepared(*names: str, version: int = 1) -> None:
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
        f"Error: data.name: must be a prepared data set of {root().uri}, got lnug. "
        "Did you mean lung?\n",
    )


def test_a_catalogue_of_another_version_is_refused() -> None:
    prepared("lung", version=0)

    result = launch("train", "--local")

    assert (result.exit_code, result.output) == (
        3,
        f"Error: {root().uri}/datasets/lung/latest.json: must have format 1, got 0. "
        'Run "lcc-launch prepare" again with this version of lcc.\n',
    )


def test_evaluate_needs_a_model() -> None:
    prepared("lung")

    result = launch("evaluate", "--local", "--run", "train-x")

    assert (result.exit_code, result.output) == (
        3,
        "Error: evaluate.model_run: must be a finished train run, got train-x. "
        "Trained runs: none.\n",
    )


def test_a_root_without_runs_says_so() -> None:
    result = launch("list")

    assert (result.exit_code, result.output) == (0, f"No runs under {root().uri}.\n")


def test_runs_are_listed_oldest_first_within_the_width() -> None:
    store = root()
    write_state(store, a_state("train-20261123-0930-aaaa", status=Status.FAILED,
                created="2026-11-23T09:30:00+00:00", ended="2026-11-23T10:31:02+00:00",
                message="weights: " + "x" * 80))  # fmt: skip
    write_state(store, a_state("prepare-20261123-0915-k3f9", status=Status.DONE,
                created="2026-11-23T09:15:00+00:00", ended="2026-11-23T09:15:42+00:00",
                study="pipeline-20261123-0915-abcd"))  # fmt: skip

    result = launch("list", COLUMNS="80")

    assert result.output == (
        "RUN                         STATUS  STARTED (UTC)     TOOK        NOTE\n"
        "prepare-20261123-0915-k3f9  done    2026-11-23 09:15  42 s        "
        "study pipelin…\n"
        "train-20261123-0930-aaaa    failed  2026-11-23 09:30  1 h 01 min  "
        "weights: xxxx…\n"
    )


def test_an_unknown_run_is_met_with_a_near_one() -> None:
    write_state(root(), a_state("prepare-20261123-0915-k3f9"))

    result = launch("status", "prepare-20261123-0915-k3f8")

    assert (result.exit_code, result.output) == (
        3,
        f"Error: run prepare-20261123-0915-k3f8: must exist under {root().uri}, got no "
        "such run. Did you mean prepare-20261123-0915-k3f9?\n",
    )


def test_a_run_of_another_version_is_refused() -> None:
    write_state(root(), a_state("prepare-20261123-0915-k3f9", format=0))

    result = launch("status", "prepare-20261123-0915-k3f9")

    assert (result.exit_code, result.output) == (
        3,
        "Error: prepare-20261123-0915-k3f9: must have format 1, got 0. Use the version "
        "of lcc that made it, or run the stage again under another --root.\n",
    )


def test_a_run_that_is_driven_is_not_resumed() -> None:
    state = a_state("prepare-20261123-0915-k3f9", status=Status.RUNNING)
    write_state(root(), state)

    result = launch("resume", state.run_id)

    pid, host = state.driver["pid"], state.driver["host"]
    assert (result.exit_code, result.output) == (
        2,
        "Error: run prepare-20261123-0915-k3f9: must not be running, got process "
        f"{pid} on {host}. Stop that first.\n",
    )


def test_status_without_runs_says_what_to_do() -> None:
    result = launch("status")

    assert (result.exit_code, result.output) == (
        3,
        f"Error: {root().uri}: must hold a run, got none. Start one, or check "
        "--root.\n",
    )


def test_status_is_a_tree_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lcc.launch.reconcile.reconcile", lambda *_: 2)
    start, end = "2026-11-23T09:15:00+00:00", "2026-11-23T09:16:05+00:00"
    times = {"started": start, "ended": end}
    steps = [
        StepState(name="list", status=Status.DONE, done=60, total=60, **times),
        StepState(name="hash", status=Status.FAILED, done=7, total=60, exit_code=3,
                  message="images: none", log="runs/x/logs/hash/00000.log", **times),
        StepState(name="link"),
    ]  # fmt: skip
    part = a_state(
        "prepare-20261123-0915-k3f9", status=Status.FAILED, steps=steps,
        created=start, ended=end, study="pipeline-20261123-0915-abcd",
    )  # fmt: skip
    whole = a_state(
        "pipeline-20261123-0915-abcd", status=Status.FAILED, steps=[],
        stages={"prepare": part.run_id}, created=start, ended=end,
    )  # fmt: skip
    write_state(root(), part)
    write_state(root(), whole)

    result = launch("status", COLUMNS="80")

    assert result.output == (
        "✗ pipeline-20261123-0915-abcd  failed  1 min 05 s\n"
        "  ✗ prepare-20261123-0915-k3f9  failed  1 min 05 s\n"
        "    ✓ list       done             60/60  1 min 05 s\n"
        "    ✗ hash       failed            7/60  1 min 05 s\n"
        "        exit 3\n"
        "        images: none\n"
        "        log: runs/x/logs/hash/00000.log\n"
        "    · link       waiting\n"
        "MLflow: 2 reports wait until the server is back\n"
    )


def test_a_sample_is_drawn_and_the_next_command_named() -> None:
    result = launch(
        "sample", "tiles", "--sources=2", "--copies=2", "--size-px=48", "--quiet"
    )

    assert (result.exit_code, result.output) == (
        0,
        "15 tiles in tiles\nNext: lcc-launch pipeline tiles --local\n",
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
