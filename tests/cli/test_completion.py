"""What a shell offers after Tab, and what it costs to say so."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from lcc.cli import context
from lcc.cli.main import COMPLETION, cli
from lcc.cli.suggestions import silent
from lcc.config.load import SettingsSources
from lcc.config.settings import Settings
from lcc.launch.state import write_state
from lcc.storage import layout
from lcc.storage.local import LocalStore
from lcc.storage.pointers import write_latest
from lcc.storage.store import Store
from tests.builders.launches import a_state

OLD, NEW = "train-20261123-0915-aaaa", "search-20261124-0915-bbbb"


def offered(*words: str) -> list[str]:
    """Return what is offered for the last word."""
    shell = ShellComplete(cli, {}, "lcc-launch", COMPLETION)
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


def some_runs(folder: str = "lcc-study") -> LocalStore:
    store = LocalStore(Path(folder))
    for run_id in (OLD, NEW):
        write_state(store, a_state(run_id))
    return store


@pytest.mark.parametrize("command", ["status", "logs", "cancel", "resume"])
def test_runs_of_the_root_are_offered_newest_first(command: str) -> None:
    some_runs()

    assert offered(command, "") == [NEW, OLD]


def test_runs_that_begin_as_typed_are_offered() -> None:
    some_runs()

    assert offered("resume", "tr") == [OLD]


def test_runs_are_those_of_the_root_that_was_typed() -> None:
    some_runs("elsewhere")

    assert offered("resume", "--root", "elsewhere", "") == [NEW, OLD]


class RecordingBackend:
    """A back end of one store that remembers which namespace it was opened for."""

    namespaces: tuple[str | None, ...] = ()

    def __init__(self, store: Store) -> None:
        self.store = store

    @contextmanager
    def open(self, _: SettingsSources, settings: Settings) -> Iterator[Any]:
        self.namespaces += (settings.cluster.namespace,)
        self.settings = settings
        yield self


def test_runs_are_those_of_the_namespace_that_was_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = RecordingBackend(some_runs())
    monkeypatch.setattr(context, "backend_class", lambda _: backend)

    assert offered("logs", "-n", "lab", "") == [NEW, OLD]
    assert backend.namespaces == ("lab",)


def test_a_fault_offers_nothing_and_says_nothing(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")

    assert offered("resume", "") == []
    assert offered("resume", "--root", "gs://lab", "") == []
    assert capfd.readouterr() == ("", "")


def test_a_cluster_that_does_not_answer_is_not_waited_for() -> None:
    asked = []

    def suggest(*_: object) -> list[str]:
        asked.append(True)
        signal.pause()  # for ever, but for the alarm of the deadline
        return ["too late"]

    ask = silent(suggest, patience_seconds=0.01)

    assert ask(click.Context(cli), cli.params[0], "") == []
    assert asked


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        pytest.param("trai", ["train."], id="section"),
        pytest.param("data.f", ["data.families."], id="section in a section"),
        pytest.param("train.d", ["train.device="], id="setting"),
        pytest.param("train.device=", ["gpu", "cpu"], id="enumeration"),
        pytest.param("train.xla=t", ["true"], id="switch"),
        pytest.param("model.frozen_stages=", ["all"], id="word beside numbers"),
        pytest.param("train.epochs=", [], id="number"),
        pytest.param("no.such=", [], id="unknown"),
        pytest.param(
            "search.grid.train.l",
            ["train.learning_rate=", "train.label_smoothing="],
            id="grid",
        ),
        pytest.param("search.grid.d", [], id="grid of what may not vary"),
    ],
)
def test_settings_are_offered_word_by_word(typed: str, wanted: list[str]) -> None:
    kept = typed[: typed.rindex("=") + 1] if "=" in typed else ""
    grid = "search.grid." if typed.startswith("search.grid.") else ""

    assert offered("train", "--set", typed) == [f"{kept}{grid}{w}" for w in wanted]


def test_classes_are_those_of_the_prepared_data_set() -> None:
    store = LocalStore(Path("lcc-study"))
    document = json.dumps({"classes": {"lung_n": {}, "lung_aca": {}}})
    store.write(layout.audit("tiles", "ab" * 32), document.encode())
    write_latest(store, "tiles", "ab" * 32)

    found = offered("prepare", "--set", "data.classes.")

    assert found == ["data.classes.lung_aca=", "data.classes.lung_n="]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("train", "--settings", "lc"), id="settings file"),
        pytest.param(("audit", "spl"), id="split"),
        pytest.param(("sample", "ti"), id="folder to write"),
    ],
)
def test_files_are_left_to_the_shell(words: tuple[str, ...]) -> None:
    shell = ShellComplete(cli, {}, "lcc-launch", COMPLETION)

    (item,) = shell.get_completions(list(words[:-1]), words[-1])

    assert item.type in {"file", "dir"}


@pytest.mark.parametrize("words", [("prepare", ""), ("list", "--root", "")])
def test_folders_are_left_to_the_shell(words: tuple[str, ...]) -> None:
    shell = ShellComplete(cli, {}, "lcc-launch", COMPLETION)

    (item,) = shell.get_completions(list(words[:-1]), words[-1])

    assert item.type == "dir"


def bash(line: str) -> list[str]:
    """Return what a real bash would offer for a line, the cursor at its end."""
    program = Path(sys.executable).with_name("lcc-launch")
    script = (
        f'eval "$({sys.executable} -m lcc completion bash)"\n'
        "COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \\t\\n\"=:'\n"
        f"_lcc_launch_completion {program} 2>/dev/null\n"  # compopt wants a terminal
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", line],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        pytest.param("lcc-launch compl", ["completion"], id="command"),
        pytest.param("lcc-launch resume tr", [OLD], id="run"),
        pytest.param("lcc-launch train --set train.dev", ["train.device="], id="path"),
        pytest.param("lcc-launch train --set train.device=g", ["gpu"], id="value"),
        pytest.param("lcc-launch train --set=train.device=g", ["gpu"], id="joined"),
    ],
)
def test_bash_gets_what_stands_behind_the_last_equals_sign(
    line: str, wanted: list[str]
) -> None:
    some_runs()

    assert bash(line) == wanted


def modules_after(*words: str) -> set[str]:
    code = (
        "import sys\n"
        "from lcc.cli.main import COMPLETION, cli\n"
        "from click.shell_completion import ShellComplete\n"
        f"ShellComplete(cli, {{}}, 'lcc-launch', COMPLETION)"
        f".get_completions({list(words[:-1])!r}, {words[-1]!r})\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


HEAVY = {"boto3", "keras", "kubernetes", "mlflow", "numpy", "pyarrow", "tensorflow"}


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        pytest.param(("tr",), set(), id="command"),
        pytest.param(("train", "--ep"), set(), id="flag"),
        pytest.param(("train", "--set", "train."), {"pydantic"}, id="setting"),
        pytest.param(("resume", "--root", "here", ""), {"pydantic"}, id="local run"),
    ],
)
def test_only_what_is_asked_for_is_loaded(
    words: tuple[str, ...], loaded: set[str]
) -> None:
    assert modules_after(*words) & {*HEAVY, "pydantic"} == loaded
