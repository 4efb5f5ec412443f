import pytest

from lcc.tracking.progress import parse_progress, start_progress


def test_the_first_and_the_last_step_are_always_printed(
    capsys: pytest.CaptureFixture[str],
):
    progress = start_progress(1000)

    for _ in range(1000):
        progress.advance()

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "progress 0 1000"
    assert lines[-1] == "progress 1000 1000"
    assert len(lines) < 100
    assert parse_progress(lines[-1]) == (1000, 1000, 0)


def test_steps_before_the_first_were_found_done(capsys: pytest.CaptureFixture[str]):
    progress = start_progress(10)

    for step in range(7, 11):  # as a training that goes on after its sixth step
        progress.count_to(step)

    assert capsys.readouterr().out.splitlines()[-1] == "progress 10 10 6"
