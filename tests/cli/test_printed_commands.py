"""Every command that an output names is pasted, from places that are hard to name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from lcc.cli.main import cli
from lcc.config.commands import PLACELESS
from lcc.launch.display import Bars, columns
from lcc.launch.state import RunStatus, StepState, write_state
from lcc.storage.layout import run_settings
from lcc.storage.local import LocalStore
from tests.builders.api_server import ApiServer, an_object, serving
from tests.builders.launches import a_dead_driver, a_state
from tests.builders.printed import check_parses, printed_commands

ROOT = Path("my study 100%/a'b")
SETTINGS = Path("my lab.yaml")
TO_FILL_IN = "SOURCE"
FINISHED = "prepare-20261123-0915-done"
FAILED = "prepare-20261123-0915-fail"
LOST = "prepare-20261123-0915-lost"
DRIVEN = "prepare-20261123-0915-runs"


@pytest.fixture
def root() -> LocalStore:
    """Return a root with a run of each kind, beside a settings file."""
    store = LocalStore(ROOT)
    SETTINGS.write_text("train: {epochs: 2}\n")
    failed = StepState(name="hash", status=RunStatus.FAILED, exit_code=1)
    lost = StepState(name="hash", status=RunStatus.RUNNING)
    for state in (
        a_state(FINISHED),
        a_state(FAILED, status=RunStatus.FAILED, steps=[failed], message="no room"),
        a_state(LOST, status=RunStatus.RUNNING, driver=a_dead_driver(), steps=[lost]),
        a_state(DRIVEN, status=RunStatus.RUNNING),
    ):
        write_state(store, state)
        away = b"tracking: {uri: 'http://127.0.0.1:9'}"  # nothing listens
        store.write(run_settings(state.run_id), away)
    return store


# What is typed, all that leads to the place left out.
OUTPUTS = [
    ["list"],
    ["status"],
    ["status", FAILED],
    ["status", LOST],
    ["status", "nothing-like-it"],
    ["resume", DRIVEN],
    ["cancel", FINISHED],
    ["logs", FINISHED],
    ["families"],
    ["search"],
    ["train"],
    ["evaluate"],
    ["train", "--set", "nothing.like.it=1"],
    ["prepare", "no such folder"],
    ["mlflow"],
]
SILENT = {"list", "logs FINISHED"}


def invoke(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, words, prog_name="lcc-launch")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_what_a_command_names_can_be_pasted_and_leads_to_the_same_place(
    root: LocalStore, words: list[str]
) -> None:
    place = ["--root", str(root.folder), "--settings", str(SETTINGS)]
    local = [] if words[0] in {"list", "status", "logs", "cancel"} else ["--local"]

    _, output = invoke(*words, *local, *place)

    assert "%20" not in output
    for named in printed_commands(output):
        context = check_parses(named)
        if named[0] not in PLACELESS:
            assert context.params["storage__root"] == str(root.folder)
            assert context.params["file"] == SETTINGS
        if named[0] in {"list", "status", "schema", "logs"}:
            code, _ = invoke(*named)
            assert code == 0, named
        elif TO_FILL_IN not in named:
            assert "No such" not in invoke(*named, "--help")[1]


def test_the_outputs_above_name_commands_of_every_kind(root: LocalStore) -> None:
    place = ["--root", str(root.folder), "--local"]

    named = {
        words[0]
        for typed in OUTPUTS
        for words in printed_commands(invoke(*typed, *place)[1])
    }

    assert named == {"list", "status", "resume", "cancel", "prepare", "schema"}


def test_every_command_in_the_sources_is_spelled_in_one_place() -> None:
    sources = Path(__file__).parents[2]
    spelled = re.compile(r"[\"'`{ ]lcc-launch (?!-)[a-z{]")
    found = [
        f"{path.relative_to(sources)}: {line.strip()}"
        for folder in ("lcc", "jobs")
        for path in sorted((sources / folder).rglob("*.py"))
        for line in _without_docstrings(path.read_text()).splitlines()
        if spelled.search(line)
    ]

    assert found == []


def _without_docstrings(text: str) -> str:
    return re.sub(r'"""(?:.|\n)*?"""', "", text)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """Give a cluster's API, with no chart in its namespace lab."""
    file = tmp_path / "kubeconfig"
    with serving(tmp_path) as api:
        api.write_kubeconfig(file)
        monkeypatch.setenv("KUBECONFIG", str(file))
        yield api


def test_on_a_cluster_namespace_root_and_context_are_kept(cluster: ApiServer) -> None:
    tiles = Path("my tiles")
    tiles.mkdir()
    metadata = {"metadata": {"resourceVersion": "1"}, "items": []}
    cluster.will(an_object(metadata))
    place = ["--root", "s3://lab/my study", "-n", "my-lab"]
    reached = ["cluster.context=own", "storage.endpoint_url=http://127.0.0.1:1"]
    sets = [word for text in reached for word in ("--set", text)]

    code, output = invoke("prepare", str(tiles), "--set", "train.seed=3", *place, *sets)

    [upload] = printed_commands(output)
    assert code == 2
    assert upload[:3] == ["upload", str(tiles.absolute()), "s3://lab/sources/my-tiles"]
    context = check_parses(upload)
    assert context.params["storage__root"] == "s3://lab/my study"
    assert context.params["cluster__namespace"] == "my-lab"
    assert list(context.params["overrides"]) == reached


def test_where_settings_name_a_cluster_this_machine_is_said(root: LocalStore) -> None:
    Path("lcc.yaml").write_text("cluster: {namespace: lab}")

    _, output = invoke("status", LOST, "--local", "--root", str(root.folder))

    [resume] = [words for words in printed_commands(output) if words[0] == "resume"]
    assert resume == ["resume", LOST, "--local", "--root", str(root.folder)]
    assert invoke("status", *resume[1:])[0] == 0


def test_no_terminal_is_so_narrow_that_it_breaks_a_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from rich.console import Console
    from rich.progress import Progress

    command = f"lcc-launch resume {FAILED} --root '/a very long/path of/a study'"
    console = Console(stderr=True, force_terminal=True, width=30, no_color=True)

    with Progress(*columns(), console=console) as progress:
        Bars(progress).say(f"After mending it: {command}")

    assert command in capsys.readouterr().err
