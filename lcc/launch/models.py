"""Which trained model a command means: a train run, an alias, a registered version.

Knows train runs of the root and the registry; not what a model is.
"""

from collections.abc import Sequence
from difflib import get_close_matches

from lcc.config.commands import command_line
from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError, NotFoundError
from lcc.launch.evaluations import evaluations_of
from lcc.launch.plan import Stage
from lcc.launch.state import RunStatus, read_states
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri
from lcc.tracking.champion import CHAMPION
from lcc.tracking.registry import CANDIDATE
from lcc.tracking.server import TrackingServer

REGISTERED = "models:/"  # begins MLflow's URI of a version
ALIASES = (CHAMPION, CANDIDATE)


def train_run(model: str | None) -> str | None:
    """Return the train run that a text names itself, None where a registry is asked.

    Example:
        >>> train_run("champion"), train_run("train-20261123-0915-k3f9")
        (None, 'train-20261123-0915-k3f9')
    """
    is_asked = model is None or model in ALIASES or model.startswith(REGISTERED)
    return None if is_asked else model


def trained_runs(store: Store) -> Sequence[str]:
    """Return the finished train runs of a root, oldest first."""
    return [
        state.run_id
        for state in read_states(store)
        if state.stage == Stage.TRAIN and state.status is RunStatus.DONE
    ]


def check_trained(store: Store, run_id: str, *, setting: str) -> str:
    """Return the id of a run that has left a model.

    Args:
        store: The root.
        run_id: Of the run.
        setting: That names it, for messages.

    Raises:
        NotFoundError: It has left none; names near ones.
    """
    if store.exists(layout.model(run_id)):
        return run_id
    known = trained_runs(store)
    near = get_close_matches(run_id, known, n=1)
    if run_id in known:
        hint = "Its model is gone: bring it back, or train again."
    elif near:
        hint = f"Did you mean {near[0]}?"
    else:
        hint = f"Trained runs: {', '.join(known) or 'none'}."
    message = f"{setting}: must be a finished train run, got {run_id}. {hint}"
    raise NotFoundError(message)


def latest_candidate(server: TrackingServer, store: Store) -> str:
    """Return the registry's candidate where it lies here, else the last trained run.

    Raises:
        NotFoundError: Nothing was trained.
        UnavailableError: The server is away.
    """
    trained = trained_runs(store)
    candidate = server.find_candidate()
    if candidate in trained:
        return str(candidate)
    if not trained:
        raise NotFoundError(_nothing_trained(store))
    return trained[-1]


def resolve_prediction(
    settings: Settings, store: Store, server: TrackingServer
) -> Settings:
    """Return settings that name the images, the train run and its evaluation.

    Args:
        settings: With absolute locations.
        store: The root.
        server: Asked for aliases and versions.

    Raises:
        ConfigError: No images, or the model is named by no known form.
        NotFoundError: There is no such model here, or no such evaluation of it.
        UnavailableError: The server is away.
    """
    own = settings.predict
    if own.source is None:
        message = (
            "predict.source: must be set, got nothing. Name a folder or s3://… URI."
        )
        raise ConfigError(message)
    run_id, chosen_by = _find_model(own.model_run, store, server)
    changes: dict[str, object] = {
        "predict.model_run": run_id,
        "predict.chosen_by": own.chosen_by or chosen_by,
        "predict.evaluation": _evaluation(store, run_id, own.evaluation),
    }
    return changed_settings(settings, changes)


def latest_evaluation(store: Store, run_id: str) -> str | None:
    """Return the latest evaluation of a train run on its sealed test, None without."""
    return next(iter(evaluations_of(store, run_id)), None)


def _find_model(
    asked: str | None, store: Store, server: TrackingServer
) -> tuple[str, str | None]:
    """Return a train run, and how it was found where it was not named itself."""
    if (run_id := train_run(asked)) is not None:
        return check_trained(store, run_id, setting="predict.model_run"), None
    if not trained_runs(store):
        raise NotFoundError(_nothing_trained(store))
    if asked is not None:
        return find_registered(asked, store, server, setting="predict.model_run")
    if server.find_version(CHAMPION) is not None:
        return find_registered(CHAMPION, store, server, setting="predict.model_run")
    run_id = latest_candidate(server, store)
    return run_id, f"{CANDIDATE}: no model is {CHAMPION} yet"


def find_registered(
    asked: str, store: Store, server: TrackingServer, *, setting: str
) -> tuple[str, str]:
    """Return the train run of a version of the registry, and how it was found.

    Args:
        asked: An alias, models:/NAME/VERSION or models:/NAME@ALIAS.
        store: The root, which must have the model.
        server: Asked for the version.
        setting: That names it, for messages.

    Raises:
        ConfigError: It is named by no known form.
        NotFoundError: There is no such version, or its model is not here.
        UnavailableError: The server is away.
    """
    name, version = _parse(asked, setting)
    found = server.find_version(version, name=name)
    if found is None:
        message = (
            f"{setting}: must be a model of the registry, got {asked}, which it has "
            "not. Name a train run, or make one: "
            f"{command_line('promote', 'RUN')}"
        )
        raise NotFoundError(message)
    if not found.run_id or not store.exists(layout.model(found.run_id)):
        message = (
            f"{setting}: must be a model of {shown_uri(store.uri)}, got {asked}"
            f", made by {found.run_id or 'another program'} elsewhere. Pass the --root "
            "that has it, or another --model."
        )
        raise NotFoundError(message)
    how = asked if version == str(found.number) else f"{asked}, version {found.number}"
    return found.run_id, how


def _parse(asked: str, setting: str) -> tuple[str | None, str]:
    """Return the registered model that is named, and the version or alias of it.

    Example:
        >>> _parse("models:/lcc/3", "--model"), _parse("champion", "--model")
        (('lcc', '3'), (None, 'champion'))
    """
    if asked in ALIASES:
        return None, asked
    text = asked.removeprefix(REGISTERED)
    name, _, version = text.rpartition("@" if "@" in text else "/")
    if not name or not version or ("@" not in text and not version.isdecimal()):
        message = (
            f"{setting}: must be models:/NAME/VERSION or models:/NAME@ALIAS, "
            f"got {asked}. Add what is missing."
        )
        raise ConfigError(message)
    return name, version


def _evaluation(store: Store, run_id: str, asked: str | None) -> str | None:
    """Return the evaluation that is asked for, or the latest; None without any."""
    if asked is None:
        return latest_evaluation(store, run_id)
    found = evaluations_of(store, run_id)
    if asked not in found:
        message = (
            f"predict.evaluation: must be a finished evaluation of {run_id} on its "
            f"sealed test, got {asked}. There are: {', '.join(found) or 'none'}."
        )
        raise NotFoundError(message)
    return asked


def _nothing_trained(store: Store) -> str:
    return (
        f"{shown_uri(store.uri)}: must hold a trained model, got none. Check --root, "
        f"or run first: {command_line('train')}"
    )
