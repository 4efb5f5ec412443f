"""Which evaluation a user means, and which there are of a model.

Knows runs and their settings; not what an evaluation found.
"""

from collections.abc import Sequence

from lcc.config.commands import command_line
from lcc.errors import DataError, NotFoundError
from lcc.launch.plan import Stage
from lcc.launch.state import (
    RunState,
    RunStatus,
    read_run_settings,
    read_state,
    read_states,
)
from lcc.storage.store import Store


def find_evaluation(store: Store, run_id: str | None) -> str:
    """Return the finished evaluation of a sealed test that a run stands for.

    Args:
        store: The root.
        run_id: An evaluation; a pipeline, for its evaluation; a train run, for its
            latest one; none: the latest of all.

    Raises:
        NotFoundError: There is no such run, or no evaluation of it.
        DataError: The evaluation has not finished, or judged another data set.
    """
    if run_id is None:
        found = [state.run_id for state in _evaluations(store)]
        return _last(found, f"{store.uri}: must hold a finished evaluation")
    state = read_state(store, run_id)
    if state.stage == Stage.PIPELINE and Stage.EVALUATE in state.stages:
        state = read_state(store, state.stages[Stage.EVALUATE])
    if state.stage != Stage.EVALUATE:
        found = list(reversed(evaluations_of(store, run_id)))
        return _last(found, f"{run_id}: must be evaluated, or an evaluation")
    if state.status is not RunStatus.DONE:
        message = (
            f"{state.run_id}: must be done, got {state.status}. Look: "
            f"{command_line('status', state.run_id)}"
        )
        raise DataError(message)
    if not _has_sealed_test(store, state):
        message = (
            f"{state.run_id}: must be an evaluation of the sealed test, got one of "
            "another data set, or of all turns. Name another, or the train run."
        )
        raise DataError(message)
    return state.run_id


def evaluations_of(store: Store, model_run: str) -> Sequence[str]:
    """Return the finished evaluations of a train run, newest first."""
    found = [
        state.run_id
        for state in _evaluations(store)
        if read_run_settings(store, state.run_id).evaluate.model_run == model_run
    ]
    return found[::-1]


def _evaluations(store: Store) -> Sequence[RunState]:
    return [
        state
        for state in read_states(store)
        if state.stage == Stage.EVALUATE and state.status is RunStatus.DONE
        if _has_sealed_test(store, state)
    ]


def _has_sealed_test(store: Store, state: RunState) -> bool:
    own = read_run_settings(store, state.run_id).evaluate
    return own.turns is None and own.data is None


def _last(found: Sequence[str], rule: str) -> str:
    if not found:
        message = f"{rule}, got none. First: {command_line('evaluate')}"
        raise NotFoundError(message)
    return found[-1]
