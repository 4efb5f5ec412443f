"""The last words of a run: figures, where results lie, which command looks at them."""

import json
from collections.abc import Iterator

from lcc.backends.kubernetes.port_forward import service_of
from lcc.config.launch import Backend
from lcc.config.settings import Settings
from lcc.errors import ConfigError, RunFailed, Stopped
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Stage
from lcc.launch.state import RunState
from lcc.storage import layout
from lcc.storage.pointers import read_catalogue_pointer
from lcc.storage.store import Store
from lcc.storage.uri import local_path, scheme_of
from lcc.tracking.location import tracking_uri

HEADLINES = {  # what to show of each stage, and what it is called
    Stage.PREPARE: {
        "prepare/kept": "images kept",
        "prepare/families": "families",
        "prepare/groups": "groups",
    },
    Stage.SEARCH: {"validation/macro_f1": "macro F1 over folds"},
    Stage.TRAIN: {"validation/macro_f1": "validation macro F1"},
    Stage.EVALUATE: {
        "test/accuracy": "accuracy",
        "test/balanced_accuracy": "balanced accuracy",
        "test/macro_f1": "macro F1",
    },
}
RESULTS = {
    Stage.SEARCH: layout.search_table,
    Stage.TRAIN: layout.model,
    Stage.EVALUATE: layout.report,
}
INDENT = " " * 10


def closing_lines(store: Store, state: RunState, settings: Settings) -> list[str]:
    """Return what to print once a run is done."""
    runs = list(state.stages.items()) or [(state.stage, state.run_id)]
    lines: list[str] = []
    for stage, run_id in runs:
        found = list(_stage_lines(store, Stage(stage), run_id, settings))
        lines += [f"{stage:<10}{found[0]}", *(f"{INDENT}{line}" for line in found[1:])]
    uri = tracking_uri(settings.tracking, store.uri)
    return [*lines, f"{'MLflow':<10}{_look_at(uri, settings)}"]


def _look_at(uri: str, settings: Settings) -> str:
    """Return the address of MLflow, or the command that opens it."""
    if not uri.startswith("http"):
        return f"mlflow ui --backend-store-uri {uri}"
    if settings.launch.backend is Backend.KUBERNETES and service_of(uri):
        return f"lcc-launch mlflow -n {settings.cluster.namespace}"
    return uri


def _stage_lines(
    store: Store, stage: Stage, run_id: str, settings: Settings
) -> Iterator[str]:
    yield run_id
    yield from headlines(store, stage, run_id)
    if stage is Stage.PREPARE:
        name, digest = read_catalogue_pointer(store, run_id)
        yield from _alarms(store, name, digest)
        yield _shown(store, layout.catalogue(name, digest))
        yield _look_at_families(store, settings)
    else:
        yield _shown(store, RESULTS[stage](run_id))


def _alarms(store: Store, name: str, digest: str) -> Iterator[str]:
    """Yield what prepare found larger than plausible; a terminal wraps it."""
    audit = json.loads(store.read(layout.audit(name, digest)))
    for alarm in audit["alarms"]:
        yield f"alarm: {alarm['text']}"


def _look_at_families(store: Store, settings: Settings) -> str:
    """Return the command that shows families in pictures."""
    if settings.launch.backend is Backend.KUBERNETES:
        place = f"-n {settings.cluster.namespace}"
    else:
        place = f"--root {_shown(store)}"
    return f"lcc-launch families {place} --gallery families.html"


def headlines(store: Store, stage: Stage, run_id: str) -> Iterator[str]:
    """Yield the figures of a run that matter most, with intervals where there are."""
    found = _last_metrics(store, run_id)
    for name, words in HEADLINES[stage].items():
        if name not in found:
            continue
        value = found[name]
        text = f"{value:.0f}" if name.startswith("prepare/") else f"{value:.3f}"
        if f"{name}_lower" in found:
            low, high = found[f"{name}_lower"], found[f"{name}_upper"]
            text += f" ({low:.3f}–{high:.3f})"
        yield f"{words} {text}"


def _last_metrics(store: Store, run_id: str) -> dict[str, float]:
    """Return the last value of each metric that a run's processes spooled."""
    events = [
        json.loads(line)
        for item in store.list_objects(layout.spool_prefix(run_id))
        if item.key.endswith(".jsonl")
        for line in store.read(item.key).splitlines()
    ]
    events = [e for e in events if e["kind"] == "metrics" and e["trial"] is None]
    found: dict[str, float] = {}
    for event in sorted(events, key=lambda event: (event["step"], event["time_ms"])):
        found |= event["values"]
    return found


def _shown(store: Store, key: str = "") -> str:
    """Return a path where it is one: a terminal opens it with a click."""
    if scheme_of(store.uri) == "file":
        return str(local_path(store.uri) / key)
    return f"{store.uri}/{key}".rstrip("/")


class StepFailed(RunFailed):
    """A step failed for good; exits with the code of its process."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class RunStopped(Stopped):
    """The driver was asked to stop; exits with the code of the signal."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def place_of(settings: Settings) -> str:
    """Return the flag that leads a later command to the same place."""
    if settings.launch.backend is Backend.KUBERNETES:
        return f"-n {settings.cluster.namespace}"
    return f"--root {settings.storage.root}"


def failure(state: RunState, outcome: Outcome, settings: Settings) -> Exception:
    """Return the error of a run that ended without its result."""
    whole = state.study or state.run_id  # a stage alone leaves its study unfinished
    resume = f"lcc-launch resume {whole} {place_of(settings)}"
    if outcome.is_stop:
        message = f"{state.run_id}: {outcome.message}. Go on: {resume}"
        return RunStopped(message, exit_code=outcome.exit_code)
    log = f"\nlog: {outcome.log}" if outcome.log else ""
    if outcome.exit_code == ConfigError.exit_code:  # a run's settings never change
        remedy = "After changing the settings start again; finished parts are kept."
    else:
        remedy = f"After mending it: {resume}"
    message = f"{outcome.message}{log}\n{remedy}"
    return StepFailed(message, exit_code=outcome.exit_code)
