"""How the chart's own pods stand: ready, or why not and what mends it. Pure.

Knows the fields of a pod's status and which value of the chart sets what; not how pods
are listed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import lcc
from lcc.backends.kubernetes.interface import Object
from lcc.backends.kubernetes.status import QUIET, REMEDIES

COMPONENT = "app.kubernetes.io/component"
CLEANUP = "cleanup"  # comes again by itself, and no launch needs it
RELEASE = "app.kubernetes.io/instance"
IMAGE_VALUES = {  # component and container → the value that names the image
    ("s3", "s3"): "s3.image",
    ("postgresql", "postgresql"): "postgresql.image",
    ("mlflow", "database"): "image",
    ("mlflow", "mlflow"): "image",
}
OWN_IMAGES = ("image", "launcherImage")  # their tag is this version, unless told


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPod:
    """One pod of the chart.

    Attributes:
        name: Of the pod.
        component: s3, mlflow, postgresql, bucket or test.
        trouble: Why it is not ready, empty where it is.
        remedy: How to mend that.
        node: Where it runs.
    """

    name: str
    component: str
    trouble: str = ""
    remedy: str = ""
    node: str = ""


def server_pod(pod: Object, namespace: str) -> ServerPod:
    """Return how a pod of the chart stands."""
    metadata, status = pod["metadata"], pod.get("status", {})
    labels = metadata.get("labels", {})
    component = labels.get(COMPONENT, "")
    trouble, remedy = "", ""
    if not _is_ready(status):
        found = next(_troubles(pod, component, namespace), None)
        trouble, remedy = found or (
            "starts",
            f"Wait, or look: kubectl describe pod {metadata['name']} -n {namespace}",
        )
    return ServerPod(
        name=metadata["name"],
        component=component,
        trouble=trouble,
        remedy=remedy,
        node=pod.get("spec", {}).get("nodeName", ""),
    )


def _is_ready(status: Object) -> bool:
    if status.get("phase") == "Succeeded":
        return True
    conditions = status.get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _troubles(pod: Object, component: str, namespace: str) -> Iterator[tuple[str, str]]:
    """Yield (what is wrong, how to mend it), the most telling first."""
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield _unscheduled(condition)
    containers = [
        *status.get("initContainerStatuses", ()),
        *status.get("containerStatuses", ()),
    ]
    for container in containers:
        yield from _unpulled(pod, container, component)
    for container in containers:
        yield from _ended(container, f"kubectl logs {name} -n {namespace}")
    for container in containers:
        waiting = container.get("state", {}).get("waiting", {})
        if waiting and waiting.get("reason") not in QUIET:
            remedy = f"Look: kubectl describe pod {name} -n {namespace}"
            yield f"{waiting['reason']}: {waiting.get('message', '')}", remedy


def _unpulled(
    pod: Object, container: Object, component: str
) -> Iterator[tuple[str, str]]:
    waiting = container.get("state", {}).get("waiting", {})
    reason = waiting.get("reason", "")
    if reason in REMEDIES:
        text = f"{reason} of {container['image']}: {waiting.get('message', '')}"
        yield text.strip(": "), _image_remedy(pod, component, container["name"])


def _ended(container: Object, log: str) -> Iterator[tuple[str, str]]:
    ended = _last_end(container)
    if not ended.get("exitCode"):
        return
    name, code = container["name"], ended["exitCode"]
    why = ended.get("message") or ended.get("reason", "")
    text = f"container {name} ends with exit code {code}: {why}"
    yield " ".join(text.strip(": ").split()), f"Look: {log} -c {name}"


def _last_end(container: Object) -> Object:
    for field in ("state", "lastState"):
        if ended := container.get(field, {}).get("terminated"):
            return dict(ended)
    return {}


def _unscheduled(condition: Object) -> tuple[str, str]:
    text = str(condition.get("message", "")).partition(" preemption: ")[0]
    if "PersistentVolumeClaim" in text:
        return text, (
            "Set s3.persistence.storageClass and postgresql.persistence.storageClass "
            "in the chart's values, or make a storage class the default."
        )
    return text, "Lower the server's resources in the chart's values, or add a node."


def _image_remedy(pod: Object, component: str, container: str) -> str:
    labels = pod["metadata"].get("labels", {})
    value = IMAGE_VALUES.get((component, container), "launcherImage")
    upgrade = (
        f"helm upgrade {labels.get(RELEASE, 'lcc')} charts/lcc -n "
        f"{pod['metadata'].get('namespace', 'default')} --reset-then-reuse-values"
    )
    if value in OWN_IMAGES:
        return (
            f"Bring {value}.repository:{value}.tag where nodes pull, or go back to "
            f"{lcc.__version__}: {upgrade} --set {value}.tag={lcc.__version__}"
        )
    return f"Set {value}.repository and {value}.tag in the chart's values: {upgrade}"
