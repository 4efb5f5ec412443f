"""Looks at all that a launch needs of a cluster, before and after the chart is there.

One finding each, with one remedy; what this account may not see is said, and the rest
is looked at all the same.
"""

from collections.abc import Callable, Iterator

from lcc.backends.kubernetes.capacity import SERVERS, never_fits, node_rooms
from lcc.backends.kubernetes.chart import CHART_ROOT, chart_settings
from lcc.backends.kubernetes.interface import Cluster, Object
from lcc.backends.kubernetes.rights_checkup import check_rights
from lcc.backends.kubernetes.server_pods import (
    CLEANUP,
    COMPONENT,
    ServerPod,
    server_pod,
)
from lcc.backends.kubernetes.servers_checkup import (
    check_accounts,
    check_bucket,
    check_chart,
    check_pods,
    check_tracking,
)
from lcc.backends.kubernetes.subject import Reach, Subject, fault
from lcc.config.load import SettingsSources
from lcc.errors import LccError, UnavailableError
from lcc.launch.backend import Finding
from lcc.launch.plan import Stage, plans_of
from lcc.launch.resolve import resolve_locations

MIN_MINOR = 33  # per-index back-off of Jobs is stable from there
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def check_cluster(
    cluster: Cluster, sources: SettingsSources, *, reach: Reach
) -> Iterator[Finding]:
    """Yield what is found, in the order in which an install and a launch need it.

    Args:
        cluster: The cluster.
        sources: The user's settings.
        reach: Returns settings whose addresses work from here.
    """
    try:
        yield _version(cluster)
    except LccError as err:  # nobody answers: nothing else can be looked at
        yield fault("API server", err)
        return
    yield from _namespace(cluster)
    base = None
    settings = sources.load()
    try:
        base = chart_settings(cluster, settings.cluster.release)
        if base is not None:
            settings = sources.with_base(*base).load()
    except LccError as err:
        yield fault("chart", err)
    yield from _check(
        Subject(
            cluster=cluster,
            settings=resolve_locations(settings, default_root=CHART_ROOT),
            chart=base[1] if base else None,
            pods=tuple(_server_pods(cluster)),
            reach=reach,
        )
    )


def _check(subject: Subject) -> Iterator[Finding]:
    checks: tuple[tuple[str, Callable[[Subject], Iterator[Finding]]], ...] = (
        ("rights", check_rights),
        ("storage", _storage_class),
        ("quota", _quota),
        ("GPUs", _gpus),
        ("sizes", _sizes),
        ("chart", check_chart),
        ("accounts", check_accounts),
        ("pods", check_pods),
        ("bucket", check_bucket),
        ("MLflow", check_tracking),
    )
    for name, check in checks:
        try:
            yield from check(subject)
        except LccError as err:
            yield fault(name, err)


def _version(cluster: Cluster) -> Finding:
    found = cluster.get("version")
    minor = int("".join(filter(str.isdigit, found["minor"])))
    text = f"{found['gitVersion']} at {cluster.host}, namespace {cluster.namespace}"
    if minor < MIN_MINOR:
        return Finding(
            name="API server",
            text=f"must be Kubernetes 1.{MIN_MINOR} or later, got {text}",
            remedy="Upgrade the cluster: back-off per index is not stable there.",
            is_fault=True,
        )
    return Finding(name="API server", text=text)


def _namespace(cluster: Cluster) -> Iterator[Finding]:
    """Yield that there is none; an account that may not look has none to miss."""
    try:
        cluster.get(f"api/v1/namespaces/{cluster.namespace}")
    except UnavailableError:
        return
    except LccError as err:
        if "must exist" in str(err):
            yield fault("namespace", err)


def _storage_class(subject: Subject) -> Iterator[Finding]:
    try:
        found = subject.cluster.get("apis/storage.k8s.io/v1/storageclasses")["items"]
    except UnavailableError:
        raise
    except LccError:
        yield Finding(
            name="storage",
            text="classes cannot be seen by this account",
            is_known=False,
        )
        return
    names = {item["metadata"]["name"]: _is_default(item) for item in found}
    if any(names.values()):
        default = next(name for name, is_default in names.items() if is_default)
        yield Finding(name="storage", text=f"{default} is the default class")
        return
    got = f"none of {', '.join(names)}" if names else "no class at all"
    yield Finding(
        name="storage",
        text=f"must have a default storage class, got {got}",
        remedy="Set s3.persistence.storageClass and postgresql.persistence."
        "storageClass in the chart's values.",
        is_fault=subject.chart is None,
    )


def _is_default(item: Object) -> bool:
    marks = item["metadata"].get("annotations", {})
    return bool(marks.get(DEFAULT_CLASS) == "true")


def _quota(subject: Subject) -> Iterator[Finding]:
    items = [
        item for page in subject.cluster.pages("ResourceQuota") for item in page.items
    ]
    limits = [
        f"{name} {item['status'].get('used', {}).get(name, '0')} of {hard}"
        for item in items
        for name, hard in item.get("status", {}).get("hard", {}).items()
    ]
    yield Finding(name="quota", text=", ".join(limits) or "none set")


def _gpus(subject: Subject) -> Iterator[Finding]:
    resource = subject.settings.cluster.gpu_resource
    rooms = node_rooms(subject.cluster)
    if not rooms:
        yield Finding(
            name="GPUs",
            text="cannot be counted: this account may not list nodes",
            remedy="launcher.readNodes in the chart's values lets it; else what fits "
            "on no node may wait without end.",
            is_known=False,
        )
        return
    counts = [int(room.allocatable.get(resource, "0")) for room in rooms]
    if not any(counts):
        yield Finding(
            name="GPUs",
            text=f"no node has {resource}",
            remedy="Pass --set train.device=cpu to train on logical devices of the "
            "CPU, or set cluster.gpu_resource.",
        )
        return
    num_nodes = sum(map(bool, counts))
    nodes = f"{num_nodes} node{'s' if num_nodes > 1 else ''}"
    text = f"{sum(counts)} × {resource} on {nodes}, {max(counts)} on one"
    yield Finding(name="GPUs", text=text)


def _sizes(subject: Subject) -> Iterator[Finding]:
    rooms = node_rooms(subject.cluster)
    settings = subject.settings
    plans = [
        plan
        for stage in Stage
        if stage is not Stage.PIPELINE
        for plan in plans_of(stage, settings, parallelism=1)
    ]
    found = [never_fits(step, settings, rooms) for p in plans for step in p.steps]
    for text in dict.fromkeys(filter(None, found)):
        what, _, remedy = text.partition(". ")
        yield Finding(name="sizes", text=what, remedy=remedy, is_fault=True)
    if rooms and not any(found):
        yield Finding(name="sizes", text="the pods of every step fit on a node")


def _server_pods(cluster: Cluster) -> Iterator[ServerPod]:
    """Yield the chart's pods; none for an account that may not list pods."""
    try:
        for page in cluster.pages("Pod", SERVERS):
            yield from (
                server_pod(pod, cluster.namespace)
                for pod in page.items
                if "deletionTimestamp" not in pod["metadata"]
                and pod["metadata"]["labels"].get(COMPONENT) != CLEANUP
            )
    except LccError:
        return
