"""Which evaluations a command means: one that is named, the latest, a study's.

Knows the states of runs; not what an evaluation left.
"""

from collections.abc import Iterator, Sequence

from lcc.config.commands import command_line
from lcc.errors import ConfigError, NotFoundError
from lcc.launch.plan import Stage
from lcc.launch.state import (
    RunState,
    RunStatus,
    read_run_settings,
    read_state,
    read_states,
)
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri


def find_evaluation(store: Store, run_id: str | None) -> str:
    """Return the evaluation that is named, or the latest that is done.

    Raises:
        ConfigError: The run is none.
        NotFoundError: There is no such run, or no evaluation at all.
    """
    if run_id is not None:
        [found] = _one(store, run_id)
        return found
    done = [
        state.run_id
        for state in read_states(store)
        if state.status is RunStatus.DONE and _has_test(store, state)
    ]
    if not done:
        message = (
            f"{shown_uri(store.uri)}: must hold an evaluation that is done, got none. "
            f"Check --root, or run first: {command_line('evaluate')}"
        )
        raise NotFoundError(message)
    return done[-1]


def find_evaluations(
    store: Store, run_ids: Sequence[str], studies: Sequence[str]
) -> list[str]:
    """Return evaluations that are named, and then those of pipelines; each once.

    Raises:
        ConfigError: A run is no evaluation, a study no pipeline, or has none yet.
        NotFoundError: There is no such run.
    """
    found = [own for run_id in run_ids for own in _one(store, run_id)]
    found += [own for run_id in studies for own in _of_study(store, run_id)]
    return list(dict.fromkeys(found))


def _one(store: Store, run_id: str) -> list[str]:
    state = read_state(store, run_id)
    if state.stage == Stage.EVALUATE and _has_test(store, state):
        return [run_id]
    what = f"a run of {state.stage}"
    hint = f"Evaluations: {command_line('list')}"
    if state.stage == Stage.EVALUATE:
        what = "one that puts turns together"
        turns = read_run_settings(store, run_id).evaluate.turns or {}
        hint = f"Name one of a turn: {', '.join(turns.values())}."
    elif own := list(_evaluations(store, state)):
        hint = f"Those of this pipeline: {', '.join(own)}."
    message = f"run {run_id}: must be an evaluation, got {what}. {hint}"
    raise ConfigError(message)


def _of_study(store: Store, run_id: str) -> list[str]:
    state = read_state(store, run_id)
    if state.stage != Stage.PIPELINE:
        message = (
            f"--study: must be a pipeline, got {run_id}, a run of {state.stage}. "
            "Name it without --study."
        )
        raise ConfigError(message)
    found = list(_evaluations(store, state))
    if not found:
        message = (
            f"--study: must have come to an evaluation, got {run_id}, which has none. "
            f"See how it stands: {command_line('status', run_id)}"
        )
        raise ConfigError(message)
    return found


def _evaluations(store: Store, pipeline: RunState) -> Iterator[str]:
    for name, run_id in pipeline.stages.items():
        if name.partition(" ")[0] != Stage.EVALUATE:
            continue
        state = read_state(store, run_id)
        if state.status is RunStatus.DONE and _has_test(store, state):
            yield run_id


def _has_test(store: Store, state: RunState) -> bool:
    """Return whether a run judged a test of its own: one of all turns did not."""
    if state.stage != Stage.EVALUATE:
        return False
    return read_run_settings(store, state.run_id).evaluate.turns is None
