"""Which evaluations a command means: a named one, the latest, a study's, a model's.

Knows states and settings of runs; not what an evaluation found.
"""

from collections.abc import Iterator, Sequence

from lcc.config.commands import command_line
from lcc.errors import ConfigError, DataError, NotFoundError
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
        return _check(store, run_id)
    return _latest(store, [s for s in _done(store) if _is_of_images(store, s)])


def find_evaluations(
    store: Store,
    run_ids: Sequence[str],
    *,
    studies: Sequence[str] = (),
    datasets: Sequence[str] = (),
) -> list[str]:
    """Return evaluations that are named, those of pipelines, of data sets; each once.

    Args:
        store: The root.
        run_ids: Evaluations.
        studies: Pipelines.
        datasets: Data sets; of each model that was judged on one, its latest
            evaluation counts.

    Raises:
        ConfigError: A run is no evaluation, a study no pipeline, or has none yet.
        NotFoundError: There is no such run, or no evaluation of a data set.
    """
    found = [_check(store, run_id) for run_id in run_ids]
    found += [own for run_id in studies for own in _of_study(store, run_id)]
    found += [own for name in datasets for own in _of_dataset(store, name)]
    return list(dict.fromkeys(found))


def find_candidate(store: Store, run_id: str | None) -> str:
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
        return _latest(store, _sealed(store))
    state = read_state(store, run_id)
    if state.stage == Stage.PIPELINE and Stage.EVALUATE in state.stages:
        state = read_state(store, state.stages[Stage.EVALUATE])
    if state.stage != Stage.EVALUATE:
        own = evaluations_of(store, run_id)
        if not own:
            message = (
                f"{run_id}: must be evaluated, or an evaluation, got none. First: "
                f"{command_line('evaluate')}"
            )
            raise NotFoundError(message)
        return own[0]
    if state.status is not RunStatus.DONE:
        message = (
            f"{state.run_id}: must be done, got {state.status}. Look: "
            f"{command_line('status', state.run_id)}"
        )
        raise DataError(message)
    if not _is_of_sealed_test(store, state):
        message = (
            f"{state.run_id}: must be an evaluation of the sealed test, got one of "
            "another data set, or of all turns. Name another, or the train run."
        )
        raise DataError(message)
    return state.run_id


def evaluations_of(store: Store, model_run: str) -> Sequence[str]:
    """Return the finished evaluations of a train run on its test, newest first."""
    found = [
        state.run_id
        for state in _sealed(store)
        if read_run_settings(store, state.run_id).evaluate.model_run == model_run
    ]
    return found[::-1]


def _latest(store: Store, found: Sequence[RunState]) -> str:
    if not found:
        message = (
            f"{shown_uri(store.uri)}: must hold an evaluation that is done, got none. "
            f"Check --root, or run first: {command_line('evaluate')}"
        )
        raise NotFoundError(message)
    return found[-1].run_id


def _check(store: Store, run_id: str) -> str:
    """Return the id of an evaluation; refuse another run, and say what is meant."""
    state = read_state(store, run_id)
    if state.stage == Stage.EVALUATE and _is_of_images(store, state):
        return run_id
    what = f"a run of {state.stage}"
    hint = f"Evaluations: {command_line('list')}"
    if state.stage == Stage.EVALUATE:
        what = "one that puts turns together"
        turns = read_run_settings(store, run_id).evaluate.turns or {}
        hint = f"Name one of a turn: {', '.join(turns.values())}."
    elif own := list(_in_pipeline(store, state)):
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
    found = list(_in_pipeline(store, state))
    if not found:
        message = (
            f"--study: must have come to an evaluation, got {run_id}, which has none. "
            f"See how it stands: {command_line('status', run_id)}"
        )
        raise ConfigError(message)
    return found


def _of_dataset(store: Store, name: str) -> list[str]:
    """Return the latest evaluation of each model that was judged on a data set."""
    latest = {}
    for state in _sealed(store):
        settings = read_run_settings(store, state.run_id)
        if settings.data.name == name:
            latest[settings.evaluate.model_run] = state.run_id
    if not latest:
        message = (
            f"--name: must have an evaluation that is done, got {name}, which has "
            f"none. See what there is: {command_line('list')}"
        )
        raise NotFoundError(message)
    return list(latest.values())


def _in_pipeline(store: Store, pipeline: RunState) -> Iterator[str]:
    for name, run_id in pipeline.stages.items():
        if name.partition(" ")[0] != Stage.EVALUATE:
            continue
        state = read_state(store, run_id)
        if state.status is RunStatus.DONE and _is_of_images(store, state):
            yield run_id


def _done(store: Store) -> Sequence[RunState]:
    """Return the evaluations that are done, oldest first."""
    return [
        state
        for state in read_states(store)
        if state.stage == Stage.EVALUATE and state.status is RunStatus.DONE
    ]


def _sealed(store: Store) -> Sequence[RunState]:
    return [state for state in _done(store) if _is_of_sealed_test(store, state)]


def _is_of_images(store: Store, state: RunState) -> bool:
    """Return whether an evaluation judged images: one of all turns did not."""
    return read_run_settings(store, state.run_id).evaluate.turns is None


def _is_of_sealed_test(store: Store, state: RunState) -> bool:
    own = read_run_settings(store, state.run_id).evaluate
    return own.turns is None and own.data is None
