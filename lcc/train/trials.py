"""Trials of a search: each fitted by the same recipe, each leaving one result."""

import io
import json
import logging
import time

import numpy as np
from numpy.typing import NDArray

from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue
from lcc.errors import ConfigError, RunFailed
from lcc.search.grid import apply_point, check_grid
from lcc.search.trial import (
    Trial,
    count_trials,
    trial_at,
    trial_ids,
    trials_of_process,
)
from lcc.storage import layout
from lcc.tracking.progress import start_progress
from lcc.tracking.tracker import Tracker
from lcc.train.feature_store import development_rows
from lcc.train.loop import Hooks
from lcc.train.recipe import Recipe, open_recipe
from lcc.train.training import TrainingRun, open_catalogue

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]
SCORES = ("val_macro_f1", "val_accuracy", "val_loss")


def run_trials(
    settings: Settings, run: TrainingRun, *, process_index: int, num_processes: int
) -> None:
    """Run those trials of one process that have no result yet.

    A trial that fails leaves a result that says why, and the others go on; trouble with
    storage ends the process.

    Args:
        settings: Settings in force.
        run: The search run; results lie below it, each trial is a child run of it.
        process_index: Which process this is, from 0.
        num_processes: How many share the trials.
    """
    mine = trials_of_process(
        process_index, num_processes=num_processes, num_trials=count_trials(settings)
    )
    catalogue = open_catalogue(settings, run.store)
    check_grid(settings)
    _check_folds(settings, catalogue)
    names = trial_ids(settings)
    keys = [layout.trial(run.run_id, name) for name in names]
    missing = [number for number in mine if not run.store.exists(keys[number])]
    progress = start_progress(len(mine), found=len(mine) - len(missing))
    recipe = None
    for number in missing:
        if recipe is None:
            recipe = open_recipe(settings, run.store, catalogue, scratch=run.scratch)
        result, said = _run_trial(recipe, trial_at(number, settings), run.tracker)
        run.tracker.flush()  # first: a trial with a result is not run again
        if said is not None:
            key = layout.trial_predictions(run.run_id, names[number])
            run.store.write(key, _dump(said))
        run.store.create(keys[number], json.dumps(result).encode())
        progress.advance()


def _dump(said: Floats) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, said)
    return buffer.getvalue()


def _check_folds(settings: Settings, catalogue: Catalogue) -> None:
    have = int(catalogue.folds.max()) + 1
    if have != settings.data.num_folds:
        message = (
            f"data.num_folds: must be that of the catalogue ({have}), got "
            f"{settings.data.num_folds}. Set it to {have}, or run prepare again."
        )
        raise ConfigError(message)


def _run_trial(
    recipe: Recipe, trial: Trial, tracker: Tracker
) -> tuple[dict[str, object], Floats | None]:
    """Return result and predictions of one trial, or its error; report a child run."""
    tracker.log_params(dict(trial.point) | {"fold": trial.fold}, trial=trial.name)
    facts: dict[str, object] = {
        "index": trial.index,
        "point_index": trial.point_index,
        "fold": trial.fold,
        "point": trial.point,
    }
    started = time.monotonic()
    try:
        found, said = _fit_trial(recipe, trial, tracker)
    except (RunFailed, ConfigError) as err:
        logger.warning("event=trial_failed trial=%s reason=%s", trial.name, err)
        tracker.set_tags({"lcc.error": str(err)}, trial=trial.name)
        tracker.set_status("FAILED", trial=trial.name)
        facts |= {"error": str(err), "fit_seconds": time.monotonic() - started}
        return facts, None
    tracker.set_status("FINISHED", trial=trial.name)
    return facts | found, said


def _fit_trial(
    recipe: Recipe, trial: Trial, tracker: Tracker
) -> tuple[dict[str, object], Floats]:
    settings = apply_point(recipe.settings, trial.point)
    rows = development_rows(recipe.catalogue)
    folds = recipe.catalogue.folds[rows]

    def report(epoch: int, metrics: dict[str, float]) -> None:
        tracker.log_metrics(metrics, step=epoch, trial=trial.name)

    started = time.monotonic()
    fitted = recipe.fit(
        rows[folds != trial.fold],
        rows[folds == trial.fold],
        settings=settings,
        hooks=Hooks(report=report),
    )
    best = fitted.history[fitted.best_epoch]
    result: dict[str, object] = {
        "scores": {name.removeprefix("val_"): best[name] for name in SCORES},
        "best_epoch": fitted.best_epoch,
        "num_parameters": fitted.num_parameters,
        "fit_seconds": time.monotonic() - started,
    }
    return result, recipe.predict(fitted, rows[folds == trial.fold])
