"""`logs`: of which runs, and which of their lines."""

from pathlib import Path

from click.testing import CliRunner

from lcc.backends.local.backend import LocalBackend
from lcc.cli.logs import run_parts
from lcc.cli.main import cli
from lcc.launch.state import RunStatus, write_state
from lcc.storage.local import LocalStore
from tests.builders.launches import a_state, a_store, local_settings

PIPELINE = "pipeline-20261123-0915-abcd"
PARTS = {"prepare": "prepare-20261123-0915-k3f9", "train": "train-20261123-0920-aaaa"}
CHATTER = "I0000 00:00:1795817010.044504    9039 port.cc:153] oneDNN is on."


def a_pipeline(store: LocalStore) -> None:
    write_state(store, a_state(PIPELINE, steps=[], stages=PARTS))
    for run_id in PARTS.values():
        write_state(store, a_state(run_id, pipeline=PIPELINE))
    for step, text in (("list", "listed"), ("hash", "hashed")):
        key = f"runs/{PARTS['prepare']}/logs/{step}/00000.log"
        store.write(key, f"{text}\n".encode())
    key = f"runs/{PARTS['train']}/logs/train/00000.log"
    store.write(key, f"{CHATTER}\ntrained\n".encode())


def test_a_pipelines_logs_are_those_of_all_its_stages() -> None:
    a_pipeline(LocalStore(Path("lcc-study")))

    for follow in ([], ["-f"]):
        result = CliRunner().invoke(cli, ["logs", *follow])

        text = result.output.replace("[train/00000] ", "")
        assert text.splitlines() == [
            f"— {PARTS['prepare']}",
            "[hash/00000] hashed",
            "[list/00000] listed",
            f"— {PARTS['train']}",
            "trained",
        ]


def test_with_v_a_log_is_whole() -> None:
    a_pipeline(LocalStore(Path("lcc-study")))

    result = CliRunner().invoke(cli, ["logs", PARTS["train"], "-v"])

    assert result.output.splitlines() == [CHATTER, "trained"]


def test_a_step_of_no_stage_is_refused() -> None:
    a_pipeline(LocalStore(Path("lcc-study")))

    result = CliRunner().invoke(cli, ["logs", "--step", "trial"])

    assert result.exit_code == 3
    assert "must have a log of trial" in result.output


def test_the_stages_of_a_pipeline_are_followed_as_they_come(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    state = a_state(
        PIPELINE,
        steps=[],
        stages={"prepare": PARTS["prepare"]},
        status=RunStatus.RUNNING,
    )
    write_state(store, a_state(PARTS["prepare"], pipeline=PIPELINE))
    write_state(store, state)
    backend = LocalBackend(settings=local_settings(store), store=store)

    def go_on(_: float) -> None:
        state.stages, state.status = PARTS, RunStatus.DONE
        write_state(store, a_state(PARTS["train"], pipeline=PIPELINE))
        write_state(store, state)

    parts = run_parts(backend, PIPELINE, follow=True, sleep=go_on)

    assert list(parts) == list(PARTS.values())
