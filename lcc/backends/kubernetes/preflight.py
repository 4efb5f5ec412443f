"""Checks a cluster before a launch: what is there, what is missing, how to mend it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from lcc.backends.kubernetes.interface import Cluster
from lcc.config.cluster import SOURCE_FOLDER
from lcc.config.commands import command_line
from lcc.config.settings import Settings
from lcc.config.storage import StorageSettings
from lcc.errors import ConfigError, DataError, LccError
from lcc.launch.backend import Finding
from lcc.launch.plan import Stage
from lcc.launch.resolve import FILES, dataset_name
from lcc.storage.store import Store
from lcc.storage.uri import local_path, open_store, scheme_of
from lcc.tracking.mlflow import open_mlflow

MIN_MINOR = 33  # per-index back-off of Jobs is stable from there
REVIEW = "apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
NEEDS = (  # verb, group, resource, subresource
    ("create", "batch", "jobs", ""),
    ("list", "batch", "jobs", ""),
    ("watch", "batch", "jobs", ""),
    ("delete", "batch", "jobs", ""),
    ("list", "", "pods", ""),
    ("watch", "", "pods", ""),
    ("get", "", "pods", "log"),
    ("create", "", "pods", "portforward"),
    ("get", "", "services", ""),
    ("create", "", "services", ""),
    ("delete", "", "services", ""),
    ("list", "", "configmaps", ""),
    ("list", "", "events", ""),
)


def check_cluster(
    cluster: Cluster, settings: Settings, *, store: Store, reachable: Settings
) -> Iterator[Finding]:
    """Yield what is found, in the order in which a launch needs it.

    Args:
        cluster: The cluster.
        settings: In force.
        store: The root, as it is reached from here.
        reachable: Settings whose addresses work from here.
    """
    checks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("API server", lambda: _version(cluster)),
        ("permissions", lambda: _permissions(cluster)),
        ("accounts", lambda: _accounts(cluster, settings)),
        ("quota", lambda: _quota(cluster)),
        ("GPUs", lambda: _gpus(cluster, settings)),
        ("object store", lambda: _storage(store)),
        ("MLflow", lambda: _tracking(reachable)),
    )
    for name, check in checks:
        try:
            yield check()
        except LccError as err:
            yield Finding(name=name, text=str(err), is_fault=True)


def _version(cluster: Cluster) -> Finding:
    found = cluster.get("version")
    minor = int("".join(filter(str.isdigit, found["minor"])))
    text = f"{found['gitVersion']} at {cluster.host}, namespace {cluster.namespace}"
    if minor < MIN_MINOR:
        text = (
            f"must be Kubernetes 1.{MIN_MINOR} or later, got {found['gitVersion']}. "
            "Upgrade the cluster: back-off per index is not stable there."
        )
    return Finding(name="API server", text=text, is_fault=minor < MIN_MINOR)


def _permissions(cluster: Cluster) -> Finding:
    missing = [need for need in NEEDS if not _may(cluster, need)]
    if not missing:
        return Finding(name="permissions", text="all that a launch needs")
    words = ", ".join(
        f"{verb} {resource}{f'/{sub}' if sub else ''}"
        for verb, _, resource, sub in missing
    )
    text = (
        f"must allow {words}. Ask for the chart's launcher Role: add yourself to "
        "launcher.subjects in its values."
    )
    return Finding(name="permissions", text=text, is_fault=True)


def _may(cluster: Cluster, need: tuple[str, str, str, str]) -> bool:
    verb, group, resource, subresource = need
    attributes = {
        "namespace": cluster.namespace,
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return bool(cluster.post(REVIEW, review)["status"]["allowed"])


def _accounts(cluster: Cluster, settings: Settings) -> Finding:
    own = settings.cluster
    names = (own.worker_service_account, own.driver_service_account)
    missing = [name for name in names if cluster.read("ServiceAccount", name) is None]
    if missing:
        text = f"must exist, got no {' and no '.join(missing)}. Install the chart."
        return Finding(name="accounts", text=text, is_fault=True)
    return Finding(name="accounts", text=" and ".join(names))


def _quota(cluster: Cluster) -> Finding:
    pages = cluster.pages("ResourceQuota")
    limits = [
        f"{name} {item['status'].get('used', {}).get(name, '0')} of {hard}"
        for page in pages
        for item in page.items
        for name, hard in item.get("status", {}).get("hard", {}).items()
    ]
    return Finding(name="quota", text=", ".join(limits) or "none set")


def _gpus(cluster: Cluster, settings: Settings) -> Finding:
    resource = settings.cluster.gpu_resource
    try:
        nodes = cluster.get("api/v1/nodes?limit=500")["items"]
    except LccError:
        text = "cannot be counted: this account may not list nodes; that is fine"
        return Finding(name="GPUs", text=text)
    counts = [int(n["status"]["allocatable"].get(resource, 0)) for n in nodes]
    if not any(counts):
        text = (
            f"no node has {resource}. Pass --set train.device=cpu to train on logical "
            "devices of the CPU, or set cluster.gpu_resource."
        )
        return Finding(name="GPUs", text=text)
    num_nodes = sum(map(bool, counts))
    text = f"{sum(counts)} × {resource} on {num_nodes} nodes, {max(counts)} on one"
    return Finding(name="GPUs", text=text)


def _storage(store: Store) -> Finding:
    key = "check/round-trip"
    store.write(key, b"lcc")
    is_same = store.read(key) == b"lcc"
    store.delete(key)
    text = f"{store.uri} takes and gives objects"
    return Finding(name="object store", text=text, is_fault=not is_same)


def _tracking(settings: Settings) -> Finding:
    server = open_mlflow(settings.tracking, str(settings.storage.root))
    with server.session():
        return Finding(name="MLflow", text=f"answers at {server.uri}")


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
    faults = [*_missing_objects(cluster, settings), *_local_files(settings)]
    if stage in {Stage.PREPARE, Stage.PIPELINE}:
        faults = [*_local_source(settings), *faults]
    if faults:
        raise ConfigError("\n".join(faults))


def check_source(settings: Settings, storage: StorageSettings) -> None:
    """Look whether there is anything below the source, where it is a bucket.

    Args:
        settings: Of the run.
        storage: How the bucket is reached from here.

    Raises:
        DataError: There is not.
        ConfigError: The bucket is missing or refuses.
    """
    source = settings.data.source
    if not source or scheme_of(source) != "s3":
        return
    if next(iter(open_store(source, storage).list_objects()), None) is None:
        message = (
            f"data.source: must hold images, got no object below {source}/. Check the "
            "prefix."
        )
        raise DataError(message)


def _missing_objects(cluster: Cluster, settings: Settings) -> Iterator[str]:
    queue, claim = settings.cluster.queue, settings.cluster.source_claim
    where = f"must exist in namespace {cluster.namespace}, got none."
    if queue and not _exists(cluster, "LocalQueue", queue):
        yield f"cluster.queue: LocalQueue {queue} {where} Ask whoever runs Kueue."
    if claim and not _exists(cluster, "PersistentVolumeClaim", claim):
        yield (
            f"data.source: PersistentVolumeClaim {claim} {where} Pods mount claims of "
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


def _local_source(settings: Settings) -> Iterator[str]:
    source = settings.data.source
    is_mounted = settings.cluster.source_claim is not None
    if not source or scheme_of(source) != "file" or is_mounted:
        return
    path = local_path(source)
    rule = f"data.source: must be s3://… or pvc://CLAIM/FOLDER on a cluster, got {path}"
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
