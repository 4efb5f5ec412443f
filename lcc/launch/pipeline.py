"""Runs a pipeline: each stage a run of its own, with what the stages before decided.

Knows the order of stages and turns, and what one takes from another; not how a stage is
run (`driver`).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import LccError, NotFoundError
from lcc.launch.claim import claimed
from lcc.launch.driver import RunContext, create_run, run_stage
from lcc.launch.messages import RunStopped
from lcc.launch.plan import Plan, Stage, build_plan, stages_of, takes_turns
from lcc.launch.resolve import resolve_inputs
from lcc.launch.state import (
    RunState,
    RunStatus,
    keep_settings,
    now,
    read_run_settings,
    read_state,
    this_driver,
    write_state,
)
from lcc.storage import layout
from lcc.storage.pointers import read_catalogue_pointer
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri


def start(context: RunContext, stage: Stage, settings: Settings) -> RunState:
    """Make a new run of a stage or pipeline and run it; return how it ended."""
    state = create_run(context.store, _plan(context, stage, settings), settings)
    context.display.say(f"run {state.run_id}")
    with claimed(context.store, state.run_id):
        _go_on(context, state, settings)
    return state


def resume(context: RunContext, run_id: str) -> RunState:
    """Go on with a run where it stopped; a run that is done stays as it is.

    Raises:
        ConfigError: Another process of this machine works on it.
        UnavailableError: One elsewhere does.
    """
    state = read_state(context.store, run_id)
    if state.status is RunStatus.DONE:
        return state
    with claimed(context.store, run_id):
        state = read_state(context.store, run_id)  # as whoever had it before left it
        if state.status is not RunStatus.DONE:
            settings = read_run_settings(context.store, run_id)
            keep_settings(context.store, run_id, settings)
            _go_on(context, state, settings)
    return state


def _plan(context: RunContext, stage: Stage, settings: Settings) -> Plan:
    return build_plan(stage, settings, parallelism=context.backend.parallelism)


def _go_on(context: RunContext, state: RunState, settings: Settings) -> None:
    """Run what is left of a run."""
    if state.stage == Stage.PIPELINE:
        _run_pipeline(context, state, settings)
        return
    plan = _plan(context, Stage(state.stage), settings)
    run_stage(context, plan, settings, state=state)


def _run_pipeline(context: RunContext, pipeline: RunState, settings: Settings) -> None:
    pipeline.driver, pipeline.status = this_driver(), RunStatus.RUNNING
    pipeline.ended = pipeline.exit_code = pipeline.message = None
    write_state(context.store, pipeline)
    try:
        for part in _parts(context.store, pipeline, settings):
            _run_part(context, pipeline, part, settings)
    except LccError as err:
        if not (isinstance(err, RunStopped) and err.goes_on):
            _end(context.store, pipeline, err)
        raise  # whoever looks next finds the Jobs that go on, and no driver
    _end(context.store, pipeline, None)


def _end(store: Store, pipeline: RunState, err: LccError | None) -> None:
    """Write down how a pipeline ended; what to do about it is said when one looks."""
    pipeline.status, pipeline.exit_code = RunStatus.DONE, 0
    if err is None:
        last = list(pipeline.stages.values())[-1]
        pipeline.score = read_state(store, last).score
    else:
        is_stop = isinstance(err, RunStopped)
        pipeline.status = RunStatus.STOPPED if is_stop else RunStatus.FAILED
        pipeline.exit_code = err.exit_code
        pipeline.message = str(err).partition("\n")[0]
    pipeline.ended = now()
    write_state(store, pipeline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One run of a pipeline.

    Attributes:
        stage: What is run.
        value: Value of `data.leave_out` whose turn it is, none where there are no
            turns, or for all of them together.
    """

    stage: Stage
    value: str | None = None

    @property
    def name(self) -> str:
        """Its key among the stages of the pipeline's state.

        Example:
            >>> Part(stage=Stage.TRAIN).name, Part(stage=Stage.TRAIN, value="Bern").name
            ('train', 'train Bern')
        """
        return str(self.stage) if self.value is None else f"{self.stage} {self.value}"


def _parts(store: Store, pipeline: RunState, settings: Settings) -> Iterator[Part]:
    """Yield what a pipeline runs; with turns, first a prepare that finds the values."""
    if not takes_turns(settings):
        yield from (Part(stage=stage) for stage in stages_of(settings))
        return
    yield Part(stage=Stage.PREPARE)
    values = _values_left_out(store, pipeline.stages[Stage.PREPARE])
    for value in values:
        yield from (Part(stage=stage, value=value) for stage in stages_of(settings))
    yield Part(stage=Stage.EVALUATE)


def _values_left_out(store: Store, prepared: str) -> list[str]:
    """Return the values of the axis that is left out, as a prepare run found them."""
    name, digest = read_catalogue_pointer(store, prepared)
    document = json.loads(store.read(layout.splits(name, digest)))
    return sorted(document["images_by_axis"][document["rules"]["leave_out"]])


def _run_part(
    context: RunContext, pipeline: RunState, part: Part, settings: Settings
) -> None:
    """Run one stage of a pipeline, or go on with the run that it has."""
    if run_id := pipeline.stages.get(part.name):
        resume(context, run_id)
        return
    own = _settings_of(context.store, pipeline, part, settings=settings)
    server = context.server_of(context.backend, own)
    inputs = resolve_inputs(own, part.stage, context.store, server=server)
    plan = _plan(context, part.stage, inputs)
    state = create_run(context.store, plan, inputs)
    pipeline.stages[part.name], pipeline.driver = state.run_id, this_driver()
    write_state(context.store, pipeline)
    context.display.say(f"run {state.run_id}")
    with claimed(context.store, state.run_id):
        run_stage(context, plan, inputs, state=state)


def _settings_of(
    store: Store, pipeline: RunState, part: Part, *, settings: Settings
) -> Settings:
    """Return a stage's settings: the pipeline's, and what earlier stages decided."""

    def run_of(stage: Stage) -> str | None:
        return pipeline.stages.get(replace(part, stage=stage).name)

    changes: dict[str, object] = {"launch.pipeline": pipeline.run_id}
    if part.value is not None:
        changes["data.test_value"] = part.value
    if prepared := run_of(Stage.PREPARE):
        changes["data.catalogue"] = _made_catalogue(store, prepared)
    if part.stage is Stage.TRAIN and (search := run_of(Stage.SEARCH)):
        best = json.loads(store.read(layout.best_point(search)))
        changes |= best["point"]
        if settings.search.refit:  # no validation tells when to stop: the folds did
            changes["train.epochs"] = best["refit_epochs"]
    if part.stage is Stage.EVALUATE:
        changes["evaluate.model_run"] = run_of(Stage.TRAIN)
        changes["evaluate.search_run"] = run_of(Stage.SEARCH)
        if changes["evaluate.model_run"] is None:  # all turns were taken
            changes["evaluate.turns"] = _evaluations(pipeline)
    return changed_settings(settings, changes)


def _evaluations(pipeline: RunState) -> dict[str, str]:
    """Return the evaluation of each turn, by the value that was left out."""
    prefix = Part(stage=Stage.EVALUATE, value="").name
    return {
        name.removeprefix(prefix): run_id
        for name, run_id in pipeline.stages.items()
        if name.startswith(prefix)
    }


def _made_catalogue(store: Store, run_id: str) -> str:
    """Return the catalogue that a prepare run made, whatever others made since."""
    key = layout.catalogue_pointer(run_id)
    if not store.exists(key):
        where = shown_uri(store.uri, key)
        message = f"{where}: not found. Run the prepare stage again."
        raise NotFoundError(message)
    return read_catalogue_pointer(store, run_id)[1]
