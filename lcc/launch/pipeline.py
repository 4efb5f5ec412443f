"""A pipeline: stages that are runs of their own, each made from what the last left."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from lcc.config.load import changed_settings, parse_settings
from lcc.config.settings import Settings
from lcc.errors import LccError, NotFoundError
from lcc.launch.display import Display
from lcc.launch.driver import Backend, Launch, create_run, run_stage
from lcc.launch.messages import RunStopped
from lcc.launch.plan import Stage, build_plan, stages_of
from lcc.launch.resolve import resolve_inputs
from lcc.launch.signals import StopRequest
from lcc.launch.state import RunState, Status, now, read_state, this_driver, write_state
from lcc.storage import layout
from lcc.storage.pointers import read_catalogue_pointer
from lcc.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every run of this process stands on.

    Attributes:
        store: The root.
        display: Shows how it goes.
        stop: Whether to stop.
        num_cores: Processes that run at once unless told.
        backend: Makes the back end of a run from its settings.
        reach: Returns settings whose addresses work from here, which those of a cluster
            do only inside it.
    """

    store: Store
    display: Display
    stop: StopRequest
    num_cores: int
    backend: Callable[[Settings], Backend]
    reach: Callable[[Settings], Settings] = lambda settings: settings

    def launch(self, stage: Stage, settings: Settings) -> Launch:
        """Return a stage ready to run."""
        return Launch(
            plan=build_plan(stage, settings, num_cores=self.num_cores),
            settings=settings,
            tracking=self.reach(settings).tracking,
            store=self.store,
            display=self.display,
            stop=self.stop,
        )


def start(ground: Ground, stage: Stage, settings: Settings) -> RunState:
    """Make a new run of a stage or pipeline and run it; return how it ended."""
    state = create_run(ground.launch(stage, settings))
    ground.display.say(f"run {state.run_id}")
    go_on(ground, state, settings)
    return state


def resume(ground: Ground, run_id: str) -> RunState:
    """Go on with a run where it stopped; a run that is done stays as it is."""
    state = read_state(ground.store, run_id)
    if state.status is not Status.DONE:
        go_on(ground, state, read_run_settings(ground.store, run_id))
    return state


def read_run_settings(store: Store, run_id: str) -> Settings:
    """Return the settings that a run was made with."""
    key = layout.run_settings(run_id)
    return parse_settings(store.read(key).decode(), source=f"{store.uri}/{key}")


def go_on(ground: Ground, state: RunState, settings: Settings) -> None:
    """Run what is left of a run."""
    if state.stage == Stage.PIPELINE:
        _run_study(ground, state, settings)
        return
    launch = ground.launch(Stage(state.stage), settings)
    run_stage(launch, ground.backend(settings), state)


def _run_study(ground: Ground, study: RunState, settings: Settings) -> None:
    study.driver, study.status, study.ended = this_driver(), Status.RUNNING, None
    write_state(ground.store, study)
    try:
        for stage in stages_of(settings):
            _run_part(ground, study, stage, settings)
    except LccError as err:
        is_stop = isinstance(err, RunStopped)
        study.status = Status.STOPPED if is_stop else Status.FAILED
        study.exit_code, study.message = err.exit_code, str(err).partition("\n")[0]
        raise
    else:
        study.status, study.exit_code, study.message = Status.DONE, 0, None
    finally:
        study.ended = now()
        write_state(ground.store, study)


def _run_part(
    ground: Ground, study: RunState, stage: Stage, settings: Settings
) -> None:
    """Run one stage of a study, or go on with the run that it has."""
    if run_id := study.stages.get(stage):
        resume(ground, run_id)
        return
    own = _settings_of(ground.store, study, stage, settings=settings)
    tracking = ground.reach(own).tracking
    inputs = resolve_inputs(own, stage, ground.store, tracking=tracking)
    launch = ground.launch(stage, inputs)
    part = create_run(launch)
    study.stages[stage], study.driver = part.run_id, this_driver()
    write_state(ground.store, study)
    ground.display.say(f"run {part.run_id}")
    run_stage(launch, ground.backend(own), part)


def _settings_of(
    store: Store, study: RunState, stage: Stage, *, settings: Settings
) -> Settings:
    """Return a stage's settings: the study's, and what earlier stages decided."""
    changes: dict[str, object] = {"launch.study": study.run_id}
    if prepared := study.stages.get(Stage.PREPARE):
        changes["data.catalogue"] = _made_catalogue(store, prepared)
    if stage is Stage.TRAIN and (search := study.stages.get(Stage.SEARCH)):
        best = json.loads(store.read(layout.best_point(search)))
        changes |= best["point"]
        if settings.search.refit:  # no validation tells when to stop: the folds did
            changes["train.epochs"] = best["refit_epochs"]
    if stage is Stage.EVALUATE:
        changes["evaluate.model_run"] = study.stages[Stage.TRAIN]
        changes["evaluate.search_run"] = study.stages.get(Stage.SEARCH)
    return changed_settings(settings, changes)


def _made_catalogue(store: Store, run_id: str) -> str:
    """Return the catalogue that a prepare run made, whatever others made since."""
    key = layout.catalogue_pointer(run_id)
    if not store.exists(key):
        message = f"{store.uri}/{key}: not found. Run the prepare stage again."
        raise NotFoundError(message)
    return read_catalogue_pointer(store, run_id)[1]
