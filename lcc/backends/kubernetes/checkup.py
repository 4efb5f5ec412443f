"""Looks at all that a launch needs of a cluster, before and after the chart is there.

One finding each, with one remedy; what this account may not see is said, and the rest
is looked at all the same.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lcc.backends.kubernetes.capacity import SERVERS, never_fits, node_rooms
from lcc.backends.kubernetes.chart import chart_settings, use_secrets
from lcc.backends.kubernetes.interface import Cluster, Object
from lcc.backends.kubernetes.port_forward import service_of
from lcc.backends.kubernetes.server_pods import ServerPod, server_pod
from lcc.config.commands import command_line
from lcc.config.load import SettingsSources
from lcc.config.settings import Settings
from lcc.errors import ConfigError, LccError, UnavailableError
from lcc.launch.backend import Finding
from lcc.launch.plan import Stage, plans_of
from lcc.launch.resolve import resolve_locations
from lcc.storage.uri import open_store
from lcc.tracking.mlflow import open_mlflow

CHART_ROOT = "s3://lcc/study"  # where the chart makes the bucket
MIN_MINOR = 33  # per-index back-off of Jobs is stable from there
# A StatefulSet, or the ReplicaSet of a Deployment.
MAKER = re.compile(r"-(s3|postgresql|mlflow)(?:-[a-z0-9]+)?$")
REVIEW = "apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
BATCH, RBAC = "batch", "rbac.authorization.k8s.io"
Need = tuple[str, str, str, str]  # verb, group, resource, subresource
NEEDS: tuple[Need, ...] = (
    ("create", BATCH, "jobs", ""),
    ("list", BATCH, "jobs", ""),
    ("watch", BATCH, "jobs", ""),
    ("delete", BATCH, "jobs", ""),
    ("patch", BATCH, "jobs", ""),
    ("list", "", "pods", ""),
    ("watch", "", "pods", ""),
    ("get", "", "pods", "log"),
    ("create", "", "pods", "portforward"),
    ("get", "", "services", ""),
    ("create", "", "services", ""),
    ("list", "", "configmaps", ""),
    ("list", "", "events", ""),
)
INSTALL_NEEDS: tuple[Need, ...] = (
    ("create", "apps", "deployments", ""),
    ("create", "apps", "statefulsets", ""),
    ("create", "", "configmaps", ""),
    ("create", "", "secrets", ""),
    ("create", "", "services", ""),
    ("create", "", "serviceaccounts", ""),
    ("create", RBAC, "roles", ""),
    ("create", RBAC, "rolebindings", ""),
    ("create", "networking.k8s.io", "networkpolicies", ""),
)
Reach = Callable[[Settings], Settings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at.

    Attributes:
        cluster: The cluster.
        settings: In force, with the chart's where there is one.
        chart: Its ConfigMap's name; none where nothing is installed.
        pods: Of the chart.
        reach: Returns settings whose addresses work from here.
    """

    cluster: Cluster
    settings: Settings
    chart: str | None
    pods: tuple[ServerPod, ...]
    reach: Reach

    @property
    def namespace(self) -> str:
        """Where."""
        return self.cluster.namespace

    def is_up(self, component: str, url: str | None) -> bool:
        """Return whether a server of the chart is ready, or is somebody else's.

        Args:
            component: s3 or mlflow.
            url: Its address, as pods know it.
        """
        service, _ = service_of(url or "") or ("", 0)
        own = [pod for pod in self.pods if pod.component == component]
        if not own:
            return not service.endswith(f"-{component}")  # as the chart names its own
        return any(not pod.trouble for pod in own)


def fault(name: str, err: LccError) -> Finding:
    """Return the finding that an error stands for: what is wrong, then the remedy."""
    text, _, remedy = str(err).partition(". ")
    return Finding(name=name, text=text, remedy=remedy, is_fault=True)


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
        ("rights", _rights),
        ("storage", _storage_class),
        ("quota", _quota),
        ("GPUs", _gpus),
        ("sizes", _sizes),
        ("chart", _chart),
        ("accounts", _accounts),
        ("pods", _pods),
        ("bucket", _bucket),
        ("MLflow", _tracking),
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


def _rights(subject: Subject) -> Iterator[Finding]:
    missing = _missing(subject.cluster, NEEDS)
    if missing:
        yield Finding(
            name="rights",
            text=f"this account may not {missing}",
            remedy="Ask for the chart's launcher Role (launcher.subjects).",
            is_fault=True,
        )
    else:
        yield Finding(name="rights", text="all that a launch needs")
    if subject.chart is None and (missing := _missing(subject.cluster, INSTALL_NEEDS)):
        yield Finding(
            name="rights",
            text=f"to install the chart, this account may not {missing}",
            remedy="Ask an administrator of the namespace to install it.",
        )


def _missing(cluster: Cluster, needs: tuple[Need, ...]) -> str:
    return ", ".join(
        f"{verb} {resource}{f'/{sub}' if sub else ''}"
        for verb, group, resource, sub in needs
        if not _may(cluster, (verb, group, resource, sub))
    )


def _may(cluster: Cluster, need: Need) -> bool:
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
        for stage in (Stage.PREPARE, Stage.SEARCH, Stage.TRAIN, Stage.EVALUATE)
        for plan in plans_of(stage, settings, parallelism=1)
    ]
    found = [never_fits(step, settings, rooms) for p in plans for step in p.steps]
    for text in dict.fromkeys(filter(None, found)):
        what, _, remedy = text.partition(". ")
        yield Finding(name="sizes", text=what, remedy=remedy, is_fault=True)
    if rooms and not any(found):
        yield Finding(name="sizes", text="the pods of every step fit on a node")


def _chart(subject: Subject) -> Iterator[Finding]:
    namespace = subject.namespace
    if subject.chart is not None:
        yield Finding(name="chart", text=f"installed, settings in {subject.chart}")
        return
    if subject.settings.storage.endpoint_url is not None:
        yield Finding(name="chart", text="none; a bucket of your own is set")
        return
    yield Finding(
        name="chart",
        text=f"must be installed in namespace {namespace}, got none",
        remedy=f"helm install lcc charts/lcc -n {namespace} --create-namespace --wait",
        is_fault=True,
    )


def _accounts(subject: Subject) -> Iterator[Finding]:
    if subject.chart is None:
        return
    own = subject.settings.cluster
    names = (own.worker_service_account, own.driver_service_account)
    read = subject.cluster.read
    missing = [name for name in names if read("ServiceAccount", name) is None]
    if missing:
        yield Finding(
            name="accounts",
            text=f"must exist, got no {' and no '.join(missing)}",
            remedy=_upgrade(subject),
            is_fault=True,
        )
    else:
        yield Finding(name="accounts", text=" and ".join(names))


def _server_pods(cluster: Cluster) -> Iterator[ServerPod]:
    """Yield the chart's pods; none for an account that may not list pods."""
    try:
        for page in cluster.pages("Pod", SERVERS):
            yield from (
                server_pod(pod, cluster.namespace)
                for pod in page.items
                if "deletionTimestamp" not in pod["metadata"]
            )
    except LccError:
        return


def _pods(subject: Subject) -> Iterator[Finding]:
    for pod in subject.pods:
        name = f"pod {pod.component}"
        if pod.trouble:
            yield Finding(
                name=name,
                text=f"{pod.name}: {pod.trouble}",
                remedy=pod.remedy,
                is_fault=True,
            )
        else:
            where = f" on {pod.node}" if pod.node else ""
            yield Finding(name=name, text=f"{pod.name} is ready{where}")
    if subject.chart is not None:
        yield from _unmade(subject)


def _unmade(subject: Subject) -> Iterator[Finding]:
    """Yield why a server has no pod at all: a quota, Pod Security."""
    made = {pod.component for pod in subject.pods}
    fields = "reason=FailedCreate,type=Warning"
    events = [
        event
        for page in subject.cluster.pages("Event", fields=fields)
        for event in page.items
    ]
    newest: dict[str, str] = {}
    for event in sorted(events, key=lambda event: event.get("lastTimestamp") or ""):
        newest[event.get("involvedObject", {}).get("name", "")] = event["message"]
    for name, message in newest.items():
        match = MAKER.search(name)
        component = match[1] if match else ""
        if component and component not in made:
            yield Finding(
                name=f"pod {component}",
                text=f"{name} can make none: {message}",
                remedy="Raise the quota, or lower what the chart's values ask for.",
                is_fault=True,
            )


def _bucket(subject: Subject) -> Iterator[Finding]:
    if not _is_worth_asking(subject, "s3", subject.settings.storage.endpoint_url):
        yield _not_asked("bucket", subject)
        return
    use_secrets(subject.cluster, subject.settings.cluster, os.environ)
    reachable = subject.reach(subject.settings)
    store = open_store(str(reachable.storage.root), reachable.storage)
    key = "check/round-trip"
    try:
        store.write(key, b"lcc")
    except ConfigError as err:
        found = fault("bucket", err)
        own = any(pod.component == "s3" for pod in subject.pods)
        yield replace(found, remedy=_upgrade(subject)) if own else found
        return
    is_same = store.read(key) == b"lcc"
    store.delete(key)
    text = f"{store.uri} takes and gives objects"
    yield Finding(name="bucket", text=text, is_fault=not is_same)


def _upgrade(subject: Subject) -> str:
    """Return the command that has the chart make again what is its to make."""
    return f"helm upgrade lcc charts/lcc -n {subject.namespace} --reuse-values --wait"


def _tracking(subject: Subject) -> Iterator[Finding]:
    settings = subject.settings
    if not _is_worth_asking(subject, "mlflow", settings.tracking.uri):
        yield _not_asked("MLflow", subject)
        return
    use_secrets(subject.cluster, settings.cluster, os.environ)
    reachable = subject.reach(settings)
    server = open_mlflow(reachable.tracking, str(reachable.storage.root))
    with server.session():
        text = f"answers at {settings.tracking.uri or server.uri}"
    is_inside = reachable.tracking.uri != settings.tracking.uri
    look = f"; its pages: {command_line('mlflow')}" if is_inside else ""
    yield Finding(name="MLflow", text=f"{text}{look}")


def _is_worth_asking(subject: Subject, component: str, url: str | None) -> bool:
    """Return whether a server may answer: its pod's own finding says why not."""
    is_there = subject.chart is not None or subject.settings.storage.endpoint_url
    return bool(is_there) and subject.is_up(component, url)


def _not_asked(name: str, subject: Subject) -> Finding:
    why = "there is no chart" if subject.chart is None else "its pod is not ready"
    return Finding(name=name, text=f"not asked: {why}", is_known=False)
