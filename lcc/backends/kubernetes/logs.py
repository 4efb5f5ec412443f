"""Reads the log of a step from its pods, while they exist."""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from lcc.backends.kubernetes.interface import Cluster, Object
from lcc.backends.kubernetes.jobs import OwnJob, take_inventory
from lcc.backends.kubernetes.labels import DRIVER
from lcc.errors import LccError, UnavailableError

MAX_PODS = 32  # streams at once; more are cut off, and the reader is told


def newest_job(cluster: Cluster, run_id: str, step: str | None) -> OwnJob | None:
    """Return the newest attempt at a step, by default the step that was begun last."""
    jobs = [
        job
        for job in take_inventory(cluster, run=run_id).jobs
        if (job.step == step if step else job.step != DRIVER)
    ]
    return max(jobs, key=lambda job: (job.facts.started, job.attempt), default=None)


def read_pod_logs(
    cluster: Cluster,
    job: OwnJob,
    *,
    follow: bool,
    index: int | None = None,
    pause_seconds: float = 1.0,
) -> Iterator[str]:
    """Yield the lines of a Job's pods, with the pod in front where there are several.

    With `follow` waits for pods to start, goes on after a broken connection and with a
    pod's successor, and ends with the Job.

    Args:
        cluster: Where.
        job: Whose.
        follow: Whether to go on until the Job ends.
        index: Only the pods of this index.
        pause_seconds: Between two looks at the Job, and before a broken connection is
            opened again.
    """
    if follow:
        yield from _followed(cluster, job, index, pause_seconds)
        return
    pods = [pod for pod in _pods(cluster, job, index) if _has_started(pod)]
    for pod in pods[:MAX_PODS]:
        name = pod["metadata"]["name"]
        for line in cluster.read_log(name, follow=False, since=None):
            yield _marked(name, line, is_alone=len(pods) == 1)
    if len(pods) > MAX_PODS:
        yield f"… and {len(pods) - MAX_PODS} more pods: name one with --process-index"


def _followed(
    cluster: Cluster, job: OwnJob, index: int | None, pause_seconds: float
) -> Iterator[str]:
    lines: queue.Queue[str] = queue.Queue()
    known: dict[str, threading.Thread] = {}
    is_alone = job.facts.total == 1 or index is not None
    while True:
        live = take_inventory(cluster, run=job.run_id, step=job.step).jobs
        is_over = all(own.facts.is_finished for own in live)
        for pod in _pods(cluster, job, index):
            name = pod["metadata"]["name"]
            if name not in known and _has_started(pod) and len(known) < MAX_PODS:
                known[name] = threading.Thread(
                    target=_follow_pod,
                    args=(cluster, name, lines),
                    kwargs={"is_alone": is_alone, "pause_seconds": pause_seconds},
                    daemon=True,
                )
                known[name].start()
        if is_over and not any(thread.is_alive() for thread in known.values()):
            while not lines.empty():
                yield lines.get()
            return
        yield from _arriving(lines, pause_seconds)


def _arriving(lines: "queue.Queue[str]", seconds: float) -> Iterator[str]:
    """Yield the lines that come in this time."""
    deadline = time.monotonic() + seconds
    with suppress(queue.Empty):
        while (left := deadline - time.monotonic()) > 0:
            yield lines.get(timeout=left)


def _follow_pod(
    cluster: Cluster,
    pod: str,
    lines: "queue.Queue[str]",
    *,
    is_alone: bool,
    pause_seconds: float,
) -> None:
    """Follow one pod; after a broken connection from the last line's time on."""
    since, last = None, ""
    while True:
        try:
            for line in cluster.read_log(pod, follow=True, since=since):
                stamp = line.partition(" ")[0]
                if line != last:  # sinceTime takes whole seconds: lines come again
                    lines.put(_marked(pod, line, is_alone=is_alone))
                since, last = stamp, line
        except UnavailableError:
            time.sleep(pause_seconds)
            continue
        except LccError:
            return
        return


def _marked(pod: str, line: str, *, is_alone: bool) -> str:
    text = line.partition(" ")[2]
    return text if is_alone else f"[{pod}] {text}"


def _pods(cluster: Cluster, job: OwnJob, index: int | None) -> list[Object]:
    selector = f"batch.kubernetes.io/job-name={job.facts.name}"
    if index is not None:
        selector += f",batch.kubernetes.io/job-completion-index={index}"
    page = next(cluster.pages("Pod", selector))
    return sorted(page.items, key=lambda pod: str(pod["metadata"]["name"]))


def _has_started(pod: Object) -> bool:
    return bool(pod.get("status", {}).get("phase") not in {None, "Pending"})
