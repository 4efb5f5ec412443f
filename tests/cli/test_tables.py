"""A run as `status` shows it: a tree."""

from lcc.cli.tables import run_tree
from lcc.launch.state import RunStatus, StepState
from tests.builders.launches import a_state

ERROR = "tiles/a.png: must be an image, got text. Remove it."


def test_why_a_pipeline_failed_stands_once_at_the_step_that_did():
    step = StepState(name="list", status=RunStatus.FAILED, exit_code=3, message=ERROR)
    failed = {"status": RunStatus.FAILED, "exit_code": 3, "message": ERROR}
    stage = a_state(steps=[step], **failed)
    stages = {"prepare": stage.run_id}
    pipeline = a_state("pipeline-1", steps=[], stages=stages, **failed)

    shown = list(run_tree(pipeline, [stage]))

    assert [line.strip() for line in shown].count(ERROR) == 1
    assert shown[shown.index(f"        {ERROR}") - 1].strip() == "exit 3"


def test_a_message_that_no_step_has_stands_at_its_run():
    state = a_state(status=RunStatus.FAILED, exit_code=1, message="no room left")

    assert "  no room left" in run_tree(state, [])


def test_the_runs_of_a_turn_name_what_is_left_out():
    runs = [a_state("train-1"), a_state("train-2")]
    stages = {"train Bern": "train-1", "train Graz Ost": "train-2"}
    pipeline = a_state("pipeline-1", steps=[], stages=stages)

    shown = [line for line in run_tree(pipeline, runs) if "train-" in line]

    assert [line.rpartition("  ")[2] for line in shown] == ["Bern", "Graz Ost"]
