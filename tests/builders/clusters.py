"""A cluster in memory: objects are kept, changes are told to whoever watches."""

import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lcc.backends.kubernetes.backend import KubernetesBackend
from lcc.backends.kubernetes.interface import GoneError, Object, Page
from lcc.backends.kubernetes.monitor import Patience
from lcc.config.settings import Settings
from lcc.storage.local import LocalStore
from lcc.storage.store import Store


class FakeCluster:
    """A `Cluster` for faults and moments that a real one cannot be made to show.

    `script` holds what a watch meets next: an object's event, or an error to raise.
    """

    namespace = "lab"
    host = "https://127.0.0.1:6443"

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.created: list[str] = []
        self.deleted: list[str] = []
        self.patched: list[tuple[str, Object]] = []
        self.logs: dict[str, list[str]] = {}
        self.nodes: list[Object] = []
        self.other_pods: list[Object] = []  # of all namespaces
        self.storage_classes: list[Object] = []
        self.version = {"minor": "33+", "gitVersion": "v1.33.2"}
        self.forbidden: set[str] = set()  # e.g. `create jobs`
        self.faults: list[Exception] = []  # raised by the next requests, in order
        self.num_lists = 0
        self._versions = itertools.count(1)
        self._watches: list[tuple[str, str, queue.Queue[Any]]] = []
        self._happened = threading.Condition()

    def create(self, manifest: Object, *, dry_run: bool = False) -> Object | None:
        key = (manifest["kind"], manifest["metadata"]["name"])
        if key in self.objects:
            return None
        self.created.append(f"{key[0]}/{key[1]}")
        manifest["metadata"]["uid"] = f"uid-{len(self.created)}"
        if not dry_run:
            self.put(manifest)
        return manifest

    def put(self, manifest: Object, event: str = "") -> None:
        """Take an object as the API server has it now."""
        key = (manifest["kind"], manifest["metadata"]["name"])
        kind = event or ("MODIFIED" if key in self.objects else "ADDED")
        manifest["metadata"]["resourceVersion"] = str(next(self._versions))
        if kind == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = manifest
        for watched, selector, events in list(self._watches):
            if watched == key[0] and _fits(manifest, selector):
                events.put((kind, manifest))
        self.note()

    def interrupt(self, error: Exception) -> None:
        """End every watch with an error."""
        for _, _, events in list(self._watches):
            events.put(error)

    def note(self) -> None:
        """Have `until` look again."""
        with self._happened:
            self._happened.notify_all()

    def until(self, condition: Callable[[], object]) -> None:
        """Return once the condition holds; fail after ten seconds."""
        with self._happened:
            assert self._happened.wait_for(condition, timeout=10)

    def read(self, kind: str, name: str) -> Object | None:
        return self.objects.get((kind, name))

    def get(self, path: str) -> Object:
        if "api/v1/nodes" in path:
            return {"items": self.nodes}
        if "api/v1/pods" in path:
            return {"items": self.other_pods}
        if "storageclasses" in path:
            return {"items": self.storage_classes}
        return self.version

    def post(self, path: str, body: Object) -> Object:
        asked = body["spec"]["resourceAttributes"]
        allowed = f"{asked['verb']} {asked['resource']}" not in self.forbidden
        return {"status": {"allowed": allowed}}

    def pages(self, kind: str, selector: str = "", fields: str = "") -> Iterator[Page]:
        self.num_lists += 1
        self.note()
        if self.faults:
            raise self.faults.pop(0)
        items = [
            item
            for (own, _), item in list(self.objects.items())
            if own == kind and _fits(item, selector) and _shows(item, fields)
        ]
        yield Page(items=items, resource_version=str(next(self._versions)))

    def watch(
        self, kind: str, selector: str, *, resource_version: str, seconds: int
    ) -> Iterator[tuple[str, Object]]:
        events: queue.Queue[Any] = queue.Queue()
        entry = (kind, selector, events)
        self._watches.append(entry)
        self.note()
        try:
            while True:
                found = events.get(timeout=30)
                if isinstance(found, Exception):
                    raise found
                yield found
        except queue.Empty:
            raise GoneError from None
        finally:
            self._watches.remove(entry)
            self.note()

    def patch(self, kind: str, name: str, changes: Object) -> None:
        if found := self.objects.get((kind, name)):
            self.patched.append((f"{kind}/{name}", changes))
            self.put({**found, "spec": found["spec"] | changes["spec"]})

    def delete(self, kind: str, name: str) -> None:
        found = self.objects.get((kind, name))
        if found is not None:
            self.deleted.append(f"{kind}/{name}")
            self.put(found, "DELETED")
            self._collect(found)

    def _collect(self, owner: Object) -> None:
        """Delete what belongs to an object that is gone."""
        for item in list(self.objects.values()):
            for own in item["metadata"].get("ownerReferences", ()):
                if own.get("uid") == owner["metadata"].get("uid"):
                    self.put(item, "DELETED")

    def read_log(self, pod: str, *, follow: bool, since: str | None) -> Iterator[str]:
        yield from self.logs.get(pod, [])

    def connect(self, pod: str, port: int) -> Any:
        raise NotImplementedError

    def watched(self) -> int:
        """Return how many watches are open."""
        return len(self._watches)


def _fits(item: Object, selector: str) -> bool:
    labels = item["metadata"].get("labels", {})
    pairs = (pair.partition("=") for pair in selector.split(",") if pair)
    return all(labels.get(name) == value for name, _, value in pairs)


def _shows(item: Object, fields: str) -> bool:
    """Return whether no field has the value that is asked not to be there."""
    pairs = (pair.partition("!=") for pair in fields.split(",") if "!=" in pair)
    status = item.get("status", {})
    return all(status.get(name.split(".")[1]) != value for name, _, value in pairs)


IMPATIENT = Patience(
    stuck_seconds=0.05, events_seconds=0.01, tick_seconds=0.01, pause_seconds=0.01
)


def a_backend(
    cluster: FakeCluster,
    settings: Settings,
    store: Store | None = None,
    *,
    patience: Patience = IMPATIENT,
) -> KubernetesBackend:
    """Return a back end that gives up at once; without a store it only runs steps."""
    own = store or LocalStore(Path("root"))
    return KubernetesBackend(
        cluster=cluster, settings=settings, store=own, patience=patience
    )


def a_job(cluster: FakeCluster, name: str, **status: object) -> Object:
    """Change the status of a Job that was created."""
    job = cluster.objects["Job", name]
    changed: Object = {**job, "status": {**job.get("status", {}), **status}}
    cluster.put(changed)
    return changed


def condition(kind: str, reason: str = "", message: str = "") -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": reason, "message": message}


def a_pod_of(job: Object, number: int = 0, **status: object) -> Object:
    """Return a pod of a Job."""
    name = f"{job['metadata']['name']}-{number}-abcde"
    index = {"batch.kubernetes.io/job-completion-index": str(number)}
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {
                **job["metadata"]["labels"],
                "batch.kubernetes.io/job-name": job["metadata"]["name"],
                **index,
            },
            "annotations": index,
        },
        "spec": {"nodeName": "node-1"},
        "status": {"phase": "Pending", **status},
    }
