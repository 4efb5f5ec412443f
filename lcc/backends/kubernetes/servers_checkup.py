"""Looks at what the chart installs: accounts, pods, and whether servers answer."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace

from lcc.backends.kubernetes.chart import use_secrets
from lcc.backends.kubernetes.subject import Subject, fault
from lcc.config.commands import command_line
from lcc.errors import ConfigError
from lcc.launch.backend import Finding
from lcc.storage.uri import open_store
from lcc.tracking.mlflow import open_mlflow

# A StatefulSet, or the ReplicaSet of a Deployment.
MAKER = re.compile(r"-(s3|postgresql|mlflow)(?:-[a-z0-9]+)?$")


def check_chart(subject: Subject) -> Iterator[Finding]:
    """Yield whether the chart is installed, or nothing of it is needed."""
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


def check_accounts(subject: Subject) -> Iterator[Finding]:
    """Yield which service accounts that pods run as there are."""
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


def check_pods(subject: Subject) -> Iterator[Finding]:
    """Yield how each pod of the chart stands, and which could not be made."""
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


def check_bucket(subject: Subject) -> Iterator[Finding]:
    """Yield whether the bucket takes and gives objects."""
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
    where = f"-n {subject.namespace}"
    return f"helm upgrade lcc charts/lcc {where} --reset-then-reuse-values --wait"


def check_tracking(subject: Subject) -> Iterator[Finding]:
    """Yield whether MLflow answers."""
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
