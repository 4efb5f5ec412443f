"""Completes a user's settings, so that a process on any machine can work by them.

Paths become absolute URIs; data set, catalogue and model are looked up under the root.
Knows the working folder and the root; not how a step is run.
"""

from difflib import get_close_matches

from lcc.config.cluster import SOURCE_FOLDER
from lcc.config.commands import command_line
from lcc.config.evaluate import is_place
from lcc.config.load import changed_settings
from lcc.config.model import is_file_name
from lcc.config.settings import Settings
from lcc.errors import ConfigError, NotFoundError
from lcc.launch.models import check_trained, latest_candidate, resolve_prediction
from lcc.launch.outside import resolve_outside
from lcc.launch.plan import Stage, takes_turns
from lcc.storage import layout
from lcc.storage.pointers import (
    SOURCE,
    dataset_names,
    names_to_learn_from,
    read_latest,
)
from lcc.storage.store import Store
from lcc.storage.uri import absolute_uri, dataset_name, shown_uri
from lcc.tracking.server import TrackingServer

LOCAL_ROOT = "lcc-study"  # of the working folder, on this machine
CLAIM = "pvc://"
FILES = (
    "data.labels_csv",
    "data.split_csv",
    "data.groups_csv",
    "data.verdicts_csv",
    "model.backbone",
    "model.weights",
    "evaluate.card",
)


def resolve_locations(settings: Settings, *, default_root: str) -> Settings:
    """Return settings whose paths are absolute URIs; touches no file.

    A data set is named after its source. A source `pvc://CLAIM/FOLDER` is mounted by
    the pods.

    Args:
        settings: As the user gave them.
        default_root: Path or URI of the root where none is set.
    """
    root = settings.storage.root or default_root
    changes: dict[str, object] = {"storage.root": absolute_uri(root)}
    for path in ("data.source", "predict.source"):
        section, _, name = path.partition(".")
        changes |= _source_changes(path, getattr(getattr(settings, section), name))
    if source := changes.get("data.source"):
        changes["data.name"] = settings.data.name or dataset_name(str(source))
    other = settings.evaluate.data
    if other and is_place(other) and not other.startswith(CLAIM):
        changes["evaluate.data"] = absolute_uri(other)
    for path in FILES:
        section, _, name = path.partition(".")
        value = getattr(getattr(settings, section), name)
        if value is not None and is_file_name(value):
            changes[path] = absolute_uri(value)
    return changed_settings(settings, changes)


def _source_changes(path: str, source: str | None) -> dict[str, object]:
    """Return what settings of a place of images become; pods mount a claim."""
    if source is None:
        return {}
    if not source.startswith(CLAIM):
        return {path: absolute_uri(source)}
    claim, _, folder = source.removeprefix(CLAIM).partition("/")
    mounted = f"file://{SOURCE_FOLDER}/{folder}".rstrip("/")
    return {path: absolute_uri(mounted), "cluster.source_claim": claim}


def resolve_inputs(
    settings: Settings, stage: Stage, store: Store, *, server: TrackingServer
) -> Settings:
    """Return settings that name the very input of a stage, which must exist.

    Args:
        settings: With absolute locations.
        stage: The stage.
        store: The root.
        server: Asked for the candidate, where no model is named.

    Raises:
        ConfigError: No source, or several data sets and none was named, or no value
            to leave out.
        NotFoundError: There is no such data set or trained model.
    """
    if stage is Stage.PREDICT:
        return resolve_prediction(settings, store, server)
    if stage is Stage.EVALUATE and settings.evaluate.data is not None:
        return resolve_outside(_with_model(settings, store, server), store)
    if stage in {Stage.PREPARE, Stage.PIPELINE}:
        _check_source(settings, stage)
        return settings
    if stage is Stage.EVALUATE and settings.evaluate.turns is not None:
        return settings
    settings = resolve_catalogue(settings, store)
    if stage is Stage.EVALUATE:
        return _with_model(settings, store, server)
    return settings


def _check_source(settings: Settings, stage: Stage) -> None:
    """Refuse to prepare nothing, or what the stage cannot take.

    Raises:
        ConfigError: Says what.
    """
    if settings.data.source is None:
        message = "data.source: must be set, got nothing. Name a folder or s3://… URI."
        raise ConfigError(message)
    if stage is Stage.PIPELINE and settings.evaluate.data is not None:
        message = (
            "evaluate.data: must not be set for a pipeline, which evaluates on the "
            f"sealed test, got {settings.evaluate.data}. Remove it, and then run: "
            f"{command_line('evaluate', '--data', settings.evaluate.data)}"
        )
        raise ConfigError(message)
    if stage is Stage.PREPARE and settings.launch.pipeline is None:
        _check_test_value(settings)


def _check_test_value(settings: Settings) -> None:
    """Refuse to leave out one value without saying which.

    Raises:
        ConfigError: Only a pipeline can take each in turn.
    """
    if takes_turns(settings):
        message = (
            "data.test_value: must be set with data.leave_out "
            f"({settings.data.leave_out}), got nothing. Set the value that is the "
            "test, or run the pipeline, which takes each in turn."
        )
        raise ConfigError(message)


def resolve_catalogue(settings: Settings, store: Store) -> Settings:
    """Return settings that name a data set and its catalogue.

    Raises:
        ConfigError: Several data sets, and none was named.
        NotFoundError: There is no such data set.
    """
    name = settings.data.name or _only_dataset(settings, store)
    if not store.exists(layout.latest(name)):
        near = get_close_matches(name, dataset_names(store), n=1)
        first = f"First: {_prepare(settings)}"
        hint = f"Did you mean {near[0]}?" if near else first
        message = (
            f"data.name: must be a prepared data set of {shown_uri(store.uri)}, got "
            f"{name}. {hint}"
        )
        raise NotFoundError(message)
    changes: dict[str, object] = {"data.name": name}
    if settings.data.catalogue is None:
        changes["data.catalogue"] = read_latest(store, name)
    return changed_settings(settings, changes)


def _prepare(settings: Settings) -> str:
    """Return the command that makes a catalogue of the source, where it is known."""
    source = settings.data.source
    return command_line("prepare", shown_uri(source) if source else SOURCE)


def _only_dataset(settings: Settings, store: Store) -> str:
    names = names_to_learn_from(store)
    if not names:
        message = (
            f"{shown_uri(store.uri)}: must hold a prepared data set, got none. Check "
            f"--root, or run first: {_prepare(settings)}"
        )
        raise NotFoundError(message)
    if len(names) > 1:
        message = (
            f"data.name: must be set where a root has several data sets, got nothing. "
            f"Pass --name with one of {', '.join(names)}."
        )
        raise ConfigError(message)
    return names[0]


def _with_model(settings: Settings, store: Store, server: TrackingServer) -> Settings:
    if (run_id := settings.evaluate.model_run) is None:
        run_id = latest_candidate(server, store)
    else:
        check_trained(store, run_id, setting="evaluate.model_run")
    return changed_settings(settings, {"evaluate.model_run": run_id})
