"""Runs a pipeline: each stage a run of its own, with what the stages before decided.

Knows the order of stages and what one takes from another; not how a stage is run
(`driver`).
"""

import json

from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import LccError, NotFoundError
from lcc.launch.driver import RunContext, create_run, run_stage
from lcc.launch.messages import RunStopped
from lcc.launch.plan import Plan, Stage, build_plan, stages_of
from lcc.launch.resolve import resolve_inputs
from lcc.launch.state import (
    RunState,
    RunStatus,
    now,
    read_run_settings,
    read_state,
    this_driver,
    write_state,
)
from lcc.storage import layout
from lcc.storage.pointers import read_catalogue_pointer
from lcc.storage.store import Store


def start(context: RunContext, stage: Stage, settings: Settings) -> RunState:
    """Make a new run of a stage or pipeline and run it; return how it ended."""
    state = create_run(context.store, _plan(context, stage, settings), settings)
    context.display.say(f"run {state.run_id}")
    _go_on(context, state, settings)
    return state


def resume(context: RunContext, run_id: str) -> RunState:
    """Go on with a run where it stopped; a run that is done stays as it is."""
    state = read_state(context.store, run_id)
    if state.status is not RunStatus.DONE:
        _go_on(context, state, read_run_settings(context.store, run_id))
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
    pipeline.ended = None
    write_state(context.store, pipeline)
    try:
        for stage in stages_of(settings):
            _run_stage(context, pipeline, stage, settings)
    except LccError as err:
        is_stop = isinstance(err, RunStopped)
        pipeline.status = RunStatus.STOPPED if is_stop else RunStatus.FAILED
        pipeline.exit_code = err.exit_code
        pipeline.message = str(err).partition("\n")[0]
        raise
    else:
        pipeline.status, pipeline.exit_code = RunStatus.DONE, 0
        pipeline.message = None
    finally:
        pipeline.ended = now()
        write_state(context.store, pipeline)


def _run_stage(
    context: RunContext, pipeline: RunState, stage: Stage, settings: Settings
) -> None:
    """Run one stage of a pipeline, or go on with the run that it has."""
    if run_id := pipeline.stages.get(stage):
        resume(context, run_id)
        return
    own = _settings_of(context.store, pipeline, stage, settings=settings)
    server = context.server_of(context.backend, own)
    inputs = resolve_inputs(own, stage, context.store, server=server)
    plan = _plan(context, stage, inputs)
    state = create_run(context.store, plan, inputs)
    pipeline.stages[stage], pipeline.driver = state.run_id, this_driver()
    write_state(context.store, pipeline)
    context.display.say(f"run {state.run_id}")
    run_stage(context, plan, inputs, state=state)


def _settings_of(
    store: Store, pipeline: RunState, stage: Stage, *, settings: Settings
) -> Settings:
    """Return a stage's settings: the pipeline's, and what earlier stages decided."""
    changes: dict[str, object] = {"launch.pipeline": pipeline.run_id}
    if prepared := pipeline.stages.get(Stage.PREPARE):
        changes["data.catalogue"] = _made_catalogue(store, prepared)
    if stage is Stage.TRAIN and (search := pipeline.stages.get(Stage.SEARCH)):
        best = json.loads(store.read(layout.best_point(search)))
        changes |= best["point"]
        if settings.search.refit:  # no validation tells when to stop: the folds did
            changes["train.epochs"] = best["refit_epochs"]
    if stage is Stage.EVALUATE:
        changes["evaluate.model_run"] = pipeline.stages[Stage.TRAIN]
        changes["evaluate.search_run"] = pipeline.stages.get(Stage.SEARCH)
    return changed_settings(settings, changes)


def _made_catalogue(store: Store, run_id: str) -> str:
    """Return the catalogue that a prepare run made, whatever others made since."""
    key = layout.catalogue_pointer(run_id)
    if not store.exists(key):
        message = f"{store.uri}/{key}: not found. Run the prepare stage again."
        raise NotFoundError(message)
    return read_catalogue_pointer(store, run_id)[1]
