import io
import os
import pty
import sys
from contextlib import suppress
from dataclasses import dataclass

import pytest
from rich.console import Console
from rich.progress import Progress

from lcc.launch import display
from lcc.launch.outcome import Outcome
from tests.builders.launches import a_step


def test_a_file_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with display.open_display(quiet=False) as shown:
        shown.start(a_step("hash", num_processes=2))
        shown.end(Outcome())

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "step=hash event=started processes=2"
    assert lines[1].startswith("step=hash event=done seconds=")


def test_lines_come_now_and_then_and_only_with_news(
    capsys: pytest.CaptureFixture[str],
) -> None:
    moments = iter([0.0, 9.0, 10.0, 20.0, 21.0, 30.0, 31.5])
    lines = display.Lines(clock=lambda: next(moments))
    lines.start(a_step("hash"))

    for done in (1, 1, 1, 2, 2):
        lines.advance(done, 2)
    lines.end(Outcome())

    assert capsys.readouterr().err.splitlines()[1:] == [
        "step=hash done=1 total=2",  # at 10 s, and not again at 20 s
        "step=hash done=2 total=2",  # at 21 s
        "step=hash event=done seconds=31.5",
    ]


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        pytest.param(Outcome(exit_code=3), "failed", id="failed"),
        pytest.param(Outcome(exit_code=143, is_stop=True), "stopped", id="stopped"),
    ],
)
def test_an_end_is_named(
    capsys: pytest.CaptureFixture[str], outcome: Outcome, event: str
) -> None:
    lines = display.Lines()
    lines.start(a_step("hash"))

    lines.end(outcome)

    assert f"event={event} " in capsys.readouterr().err


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with display.open_display(quiet=True) as shown:
        shown.say("run x")
        shown.start(a_step())
        shown.end(Outcome())

    assert capsys.readouterr().err == ""


def bars_of(outcome: Outcome) -> str:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=80, color_system=None)
    with Progress(*display.columns(), console=console) as progress:
        bars = display.Bars(progress)
        bars.say("run x")
        bars.start(a_step("hash"))
        bars.advance(3, 10)
        bars.end(outcome)
    return text.getvalue()


def test_a_terminal_gets_bars_with_counts() -> None:
    text = bars_of(Outcome())

    assert "run x" in text
    assert "10/10" in text


def test_a_bar_that_failed_stays_where_it_was() -> None:
    text = bars_of(Outcome(exit_code=1))

    assert "hash ✗" in text
    assert "3/10" in text


def test_what_was_found_done_says_nothing_of_the_time_that_is_left() -> None:
    clock = FakeClock()
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    progress = Progress(*display.columns(), console=console, get_time=clock)
    bars = display.Bars(progress)
    bars.start(a_step("train"))

    bars.advance(0, 100)
    clock.now = 5.0
    bars.advance(61, 100, found=60)  # resumed: one step in five seconds
    for done in range(62, 67):
        clock.now += 5.0
        bars.advance(done, 100, found=60)

    [task] = progress.tasks
    assert task.time_remaining == pytest.approx(5.0 * (100 - 66), rel=0.3)
    assert task.elapsed == 30.0


@dataclass
class FakeClock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_keys_are_silent_while_bars_are_shown_and_speak_again_after() -> None:
    script = (
        "import sys, termios\n"
        "from lcc.launch.display import silent_keys\n"
        "def echoes(): return bool(termios.tcgetattr(0)[3] & termios.ECHOCTL)\n"
        "found = [echoes()]\n"
        "with silent_keys(): found.append(echoes())\n"
        "found.append(echoes()); print(found)"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", script])  # noqa: S606

    said = b""
    with suppress(OSError):  # the terminal is closed at the end
        while part := os.read(terminal, 1024):
            said += part
    os.waitpid(child, 0)

    assert said.decode().strip() == "[True, False, True]"
