"""Texts about a run: what it will do, how it failed, and what came of it.

Knows figures, where results lie and which command looks at them; prints nothing.
"""

import json
import os
import re
import shlex
from collections.abc import Iterator

from lcc.config import environment
from lcc.config.commands import command_line
from lcc.config.fields import setting_fields
from lcc.config.settings import Settings
from lcc.errors import ConfigError, RunFailed, Stopped
from lcc.launch.backend import Backend
from lcc.launch.outcome import MAX_RETRIES, STOPPED, TEMPORARY, Outcome
from lcc.launch.plan import Plan, Stage, plans_of, takes_turns
from lcc.launch.predicted import model_words, prediction_lines
from lcc.launch.state import RunState, read_run_settings
from lcc.storage import layout
from lcc.storage.pointers import read_catalogue_pointer
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri
from lcc.tracking.location import tracking_uri

HEADLINES = {  # what to show of each stage, and what it is called
    Stage.PREPARE: {
        "prepare/kept": "images kept",
        "prepare/families": "families",
        "prepare/groups": "groups",
    },
    Stage.SEARCH: {"validation/macro_f1": "macro F1 over folds"},
    Stage.TRAIN: {"saved/macro_f1": "validation macro F1"},
    Stage.EVALUATE: {
        "test/accuracy": "accuracy",
        "test/balanced_accuracy": "balanced accuracy",
        "test/macro_f1": "macro F1",
        "outside/accuracy": "outside: accuracy",
        "outside/macro_f1": "outside: macro F1",
        "outside/below_sealed": "sealed test less outside: macro F1",
        "overlap/left_out": "images left out: tissue of the training catalogue",
        "baseline/macro_f1": "best baseline, macro F1",
        "random_split/macro_f1": "on a random split, INVALID: macro F1",
        "turns/macro_f1": "mean of all turns, macro F1",
        "turns/macro_f1_least": "least of them",
    },
    Stage.PREDICT: {},  # `predicted` tells of them
}
SCORES = {  # what two runs of a stage are compared by; the first that there is
    Stage.SEARCH: ("validation/macro_f1",),
    Stage.TRAIN: ("saved/macro_f1",),
    Stage.EVALUATE: ("turns/macro_f1", "test/macro_f1"),
}
RESULTS = {
    Stage.SEARCH: layout.search_table,
    Stage.TRAIN: layout.model,
    Stage.EVALUATE: layout.report,
}
KEEPS_SETTINGS = (
    "It keeps its settings: to change one start again; finished shards are kept."
)
NEXT_POD = "The next pod of its driver goes on by itself, unless it is cancelled."
INDENT = " " * 10


def summarize_launch(stage: Stage, settings: Settings, backend: Backend) -> str:
    """Return what will run: steps and processes, where they run, root."""
    plans = plans_of(stage, settings, parallelism=backend.parallelism)
    lines = [f"  {plan.stage:<10}{_chain(plan)}" for plan in plans]
    if stage is Stage.PIPELINE and takes_turns(settings):
        lines.append(
            f"  {'turns':<10}all of it for each {settings.data.leave_out} as the test, "
            "then a comparison"
        )
    if stage is Stage.PREDICT:
        lines.append(f"  {'model':<10}{model_words(settings.predict)}")
    lines += backend.summarize(plans)
    return "\n".join([*lines, f"  {'root':<10}{shown_uri(str(settings.storage.root))}"])


def _chain(plan: Plan) -> str:
    return " → ".join(
        step.name if step.num_processes == 1 else f"{step.name} × {step.num_processes}"
        for step in plan.steps
    )


def summarize_run(backend: Backend, state: RunState, settings: Settings) -> list[str]:
    """Return what to print once a run is done: figures, results, what to look at."""
    runs = list(state.stages.items()) or [(state.stage, state.run_id)]
    lines: list[str] = []
    for name, run_id in runs:
        stage, _, turn = name.partition(" ")
        if turn and stage != Stage.EVALUATE:  # of each turn, what came of it
            continue
        found = list(_stage_lines(backend, Stage(stage), run_id))
        lines += [f"{name:<9} {found[0]}", *(f"{INDENT}{line}" for line in found[1:])]
    uri = tracking_uri(settings.tracking, backend.store.uri)
    return [*lines, f"{'MLflow':<10}{_tracking_hint(uri, backend)}"]


def _tracking_hint(uri: str, backend: Backend) -> str:
    if uri.startswith("http"):
        return backend.tracking_hint(uri)
    return mlflow_command(uri)


def mlflow_command(uri: str) -> str:
    """Return the command that shows the pages of a database of MLflow."""
    return shlex.join(["mlflow", "ui", "--backend-store-uri", uri])


def _stage_lines(backend: Backend, stage: Stage, run_id: str) -> Iterator[str]:
    store = backend.store
    yield run_id
    yield from headlines(store, stage, run_id)
    if stage is Stage.PREPARE:
        name, digest = read_catalogue_pointer(store, run_id)
        yield from _read(store, name, digest)
        yield from _left_out(store, run_id)
        yield from _alarms(store, name, digest)
        yield from json.loads(store.read(layout.splits(name, digest)))["notes"]
        yield shown_uri(store.uri, layout.catalogue(name, digest))
        yield command_line("families", "--name", name, "--gallery", "families.html")
    elif stage is Stage.PREDICT:
        own = read_run_settings(store, run_id).predict
        yield from prediction_lines(store, run_id, own)
    else:
        if stage is Stage.EVALUATE:
            yield from _verdict(store, run_id)
        yield shown_uri(store.uri, RESULTS[stage](run_id))


def _verdict(store: Store, run_id: str) -> Iterator[str]:
    """Yield what an evaluation comes to, in words, where it says so."""
    key = layout.evaluation(run_id, "metrics.json")
    document = json.loads(store.read(key)) if store.exists(key) else {}
    if verdict := document.get("verdict"):
        yield verdict


def _read(store: Store, name: str, digest: str) -> Iterator[str]:
    """Yield which classes prepare found, and what was converted."""
    audit = json.loads(store.read(layout.audit(name, digest)))
    kept = [f"{label} {found['kept']}" for label, found in audit["classes"].items()]
    yield f"classes {', '.join(kept)}"
    done = [f"{count} {word}" for word, count in audit["conversions"].items()]
    if done:
        yield f"converted {', '.join(done)}"
    yield from audit["notes"]


def _left_out(store: Store, run_id: str) -> Iterator[str]:
    """Yield how classes were told, and what was left out; a terminal wraps it."""
    summary = json.loads(store.read(layout.left_out_summary(run_id)))
    yield from summary["notes"]
    found = summary["left_out"]
    if not found:
        return
    yield f"left out {sum(item['count'] for item in found)} of {summary['files']} files"
    for item in found:
        more = " …" if item["count"] > len(item["first"]) else ""
        yield f"  {item['count']} {item['reason']} ({item['advice']})"
        yield f"    {', '.join(item['first'])}{more}"
    yield f"  all of them: {shown_uri(store.uri, layout.left_out(run_id))}"


def _alarms(store: Store, name: str, digest: str) -> Iterator[str]:
    """Yield what prepare found larger than plausible; a terminal wraps it."""
    audit = json.loads(store.read(layout.audit(name, digest)))
    for alarm in audit["alarms"]:
        yield f"alarm: {alarm['text']}"


def headlines(store: Store, stage: Stage, run_id: str) -> Iterator[str]:
    """Yield the figures of a run that matter most, with intervals where there are."""
    found = _last_metrics(store, run_id)
    for name, words in HEADLINES[stage].items():
        if name not in found:
            continue
        value = found[name]
        is_count = name.startswith(("prepare/", "overlap/"))
        text = f"{value:.0f}" if is_count else f"{value:.3f}"
        if f"{name}_lower" in found:
            low, high = found[f"{name}_lower"], found[f"{name}_upper"]
            text += f" ({low:.3f}–{high:.3f})"
        yield f"{words} {text}"


def score_of(store: Store, stage: Stage, run_id: str) -> float | None:
    """Return the macro F1 by which runs are compared, None where there is none."""
    names = SCORES.get(stage, ())
    found = _last_metrics(store, run_id) if names else {}
    return next((found[name] for name in names if name in found), None)


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


def nothing_to_cancel(state: RunState) -> ConfigError:
    """Return the error of a run that is to be ended and has ended."""
    when = f" on {state.ended[:16].replace('T', ' ')} UTC" if state.ended else ""
    return ConfigError(
        f"run {state.run_id}: must be running, got {state.status}{when}. Nothing was "
        "cancelled; what it made stays."
    )


class StepFailed(RunFailed):
    """A step failed for good; exits with the code of its process.

    Args:
        message: What happened, and what to do.
        exit_code: Of the process.
        run_id: Of the run, which may have left something all the same.
    """

    def __init__(self, message: str, *, exit_code: int, run_id: str) -> None:
        super().__init__(message)
        self.exit_code, self.run_id = exit_code, run_id


class RunStopped(Stopped):
    """The driver was asked to stop; exits with the code of the signal.

    Args:
        message: What happened, and what to do.
        exit_code: Of the signal.
        goes_on: Whether Jobs are still at work.
    """

    def __init__(self, message: str, *, exit_code: int, goes_on: bool) -> None:
        super().__init__(message)
        self.exit_code, self.goes_on = exit_code, goes_on


def run_error(state: RunState, outcome: Outcome) -> Exception:
    """Return the error of a run that ended without its result.

    Its first line says what happened, and stays; the others name what to do now.

    Args:
        state: Of the run.
        outcome: How its last step ended.
    """
    run_id = state.pipeline or state.run_id  # a stage leaves its pipeline unfinished
    resume = command_line("resume", run_id)
    if outcome.is_stop:
        lines = [f"{state.run_id}: {outcome.message}."]
        if outcome.goes_on:
            lines.append(f"End it: {command_line('cancel', run_id)}")
        lines.append(NEXT_POD if _is_replaced(outcome) else f"Go on: {resume}")
        return RunStopped(
            "\n".join(lines), exit_code=outcome.exit_code, goes_on=outcome.goes_on
        )
    log = f"\nlog: {outcome.log}" if outcome.log else ""
    if outcome.exit_code == ConfigError.exit_code:  # a run's settings never change
        remedy = "After changing the settings start again; finished shards are kept."
    elif _is_replaced(outcome):
        remedy = f"{NEXT_POD}\nShould {MAX_RETRIES} more fail: {resume}"
    else:
        remedy = f"After mending it: {resume}"
        if names_setting(outcome.message or ""):
            remedy += f"\n{KEEPS_SETTINGS}"
    message = f"{outcome.message}{log}\n{remedy}"
    return StepFailed(message, exit_code=outcome.exit_code, run_id=state.run_id)


def _is_replaced(outcome: Outcome) -> bool:
    """Return whether this is a pod of a driver, whose Job makes a new one."""
    is_pod = environment.POD_NAME in os.environ
    return is_pod and outcome.exit_code in {TEMPORARY, STOPPED}


def names_setting(message: str) -> bool:
    """Return whether a message names a setting, which a resumed run cannot change.

    Example:
        >>> names_setting("epoch 3: must be a number. Lower train.learning_rate.")
        True
        >>> names_setting("s3://lab/train.csv: not found")
        False
    """
    words = re.findall(r"[a-z_]+(?:\.[a-z_]+)+", message)
    return not setting_fields().keys().isdisjoint(words)
