"""Looks, before a launch makes anything, for what its pods will need."""

from collections.abc import Iterator
from pathlib import Path

from lcc.backends.kubernetes.capacity import never_fits, node_rooms
from lcc.backends.kubernetes.interface import Cluster
from lcc.config.cluster import SOURCE_FOLDER
from lcc.config.commands import command_line
from lcc.config.settings import Settings
from lcc.config.storage import StorageSettings
from lcc.errors import ConfigError, DataError
from lcc.launch.plan import Stage, plans_of, source_of
from lcc.launch.resolve import FILES
from lcc.storage.uri import dataset_name, local_path, open_store, scheme_of

SOURCES = {  # of a volume → kind of the object, and the field that names it
    "configMap": ("ConfigMap", "name"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
    "secret": ("Secret", "secretName"),
}


def check_prerequisites(cluster: Cluster, stage: Stage, settings: Settings) -> None:
    """Look for what the pods of a run will need; an account need not see all of it.

    Raises:
        ConfigError: All that is missing, or lies where no pod can read it.
    """
    faults = [
        *_local_source(stage, settings),
        *_missing_objects(cluster, stage, settings),
        *_local_files(settings),
    ]
    faults += _too_large(cluster, stage, settings)
    if faults:
        raise ConfigError("\n".join(faults))


def _too_large(cluster: Cluster, stage: Stage, settings: Settings) -> list[str]:
    """Return what of a stage's pods fits on no node, each setting once."""
    rooms = node_rooms(cluster)
    plans = plans_of(stage, settings, parallelism=1)
    found = [never_fits(step, settings, rooms) for p in plans for step in p.steps]
    return list(dict.fromkeys(filter(None, found)))


def check_source(stage: Stage, settings: Settings, storage: StorageSettings) -> None:
    """Look whether there is anything below the source, where it is a bucket.

    Args:
        stage: The stage.
        settings: Of the run.
        storage: How the bucket is reached from here.

    Raises:
        DataError: There is not.
        ConfigError: The bucket is missing or refuses.
    """
    path, source = source_of(stage, settings) or ("", None)
    if not source or scheme_of(source) != "s3":
        return
    if next(iter(open_store(source, storage).list_objects()), None) is None:
        message = (
            f"{path}: must hold images, got no object below {source}/. Check the "
            "prefix."
        )
        raise DataError(message)


def _missing_objects(
    cluster: Cluster, stage: Stage, settings: Settings
) -> Iterator[str]:
    path, _ = source_of(stage, settings) or ("data.source", None)
    queue, claim = settings.cluster.queue, settings.cluster.source_claim
    where = f"must exist in namespace {cluster.namespace}, got none."
    if queue and not _exists(cluster, "LocalQueue", queue):
        yield f"cluster.queue: LocalQueue {queue} {where} Ask whoever runs Kueue."
    if claim and not _exists(cluster, "PersistentVolumeClaim", claim):
        yield (
            f"{path}: PersistentVolumeClaim {claim} {where} Pods mount claims of "
            "their own namespace only."
        )
    for volume, kind, name in _named_by_volumes(settings):
        if not _exists(cluster, kind, name):
            path = f"cluster.extra_volumes.{volume}"
            yield f"{path}: {kind} {name} {where} Make it first."


def _named_by_volumes(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield volume, kind and name of every object that a volume cannot do without."""
    for volume in settings.cluster.extra_volumes:
        for source, given in (volume.model_extra or {}).items():
            kind, field = SOURCES.get(source, ("", ""))
            if kind and isinstance(given, dict) and not given.get("optional"):
                yield volume.name, kind, str(given.get(field, ""))


def _exists(cluster: Cluster, kind: str, name: str) -> bool:
    try:
        return cluster.read(kind, name) is not None
    except ConfigError:  # may not look: the pods will tell
        return True


def _local_source(stage: Stage, settings: Settings) -> Iterator[str]:
    name, source = source_of(stage, settings) or ("", None)
    is_mounted = settings.cluster.source_claim is not None
    if not source or scheme_of(source) != "file" or is_mounted:
        return
    path = local_path(source)
    rule = f"{name}: must be s3://… or pvc://CLAIM/FOLDER on a cluster, got {path}"
    if path.is_dir():
        target = f"{_bucket(settings)}/sources/{dataset_name(source)}"
        upload = command_line("upload", str(path), target)
        yield f"{rule}. Pass --local, or run first: {upload}"
    elif path.is_relative_to(Path.cwd()):
        typed = path.relative_to(Path.cwd())
        yield f"{rule}, which is no folder here either. Did you mean s3://{typed}?"
    else:
        yield f"{rule}, which is no folder here either. Check the path."


def _local_files(settings: Settings) -> Iterator[str]:
    for path in FILES:
        section, _, name = path.partition(".")
        value = str(getattr(getattr(settings, section), name))
        if scheme_of(value) != "file" or "/" not in value:
            continue
        file = local_path(value)
        if not file.is_relative_to(SOURCE_FOLDER):
            target = f"{_bucket(settings)}/files"
            upload = command_line("upload", str(file.parent), target)
            yield (
                f"{path}: must be s3://… on a cluster, got {file}. Set it to "
                f"{target}/{file.name}, once this has brought it there: {upload}"
            )


def _bucket(settings: Settings) -> str:
    """Return the bucket of the root."""
    return "/".join(str(settings.storage.root).split("/")[:3])
