"""Builds the Job of a step, and the Service of a training over several pods. Pure.

Source of the fields: Kubernetes 1.33, batch/v1 Job; per-index back-off is stable there.
"""

from collections.abc import Mapping
from typing import Any

from lcc.backends.kubernetes.labels import DRIVER, build_labels, job_name
from lcc.backends.kubernetes.pod import (
    WORKER_PORT,
    JobOrder,
    Manifest,
    build_pod,
    without_none,
)
from lcc.config.settings import Settings
from lcc.errors import (
    CheckFailed,
    ConfigError,
    DataError,
    RunFailed,
    Stopped,
    UnavailableError,
)
from lcc.launch.outcome import MAX_RETRIES
from lcc.launch.plan import Step

NEVER_RETRIED = (ConfigError.exit_code, DataError.exit_code, CheckFailed.exit_code)
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"


def order_job(step: Step, settings: Settings, *, run_id: str, attempt: int) -> JobOrder:
    """Return what one attempt at a step is made from."""
    return JobOrder(
        step=step,
        run_id=run_id,
        settings=settings,
        name=job_name(run_id, step.name, attempt=attempt),
        labels=build_labels(
            run_id, step.name, attempt=attempt, pipeline=settings.launch.pipeline
        ),
    )


def build_manifests(order: JobOrder) -> list[Manifest]:
    """Return the objects of one attempt at a step, in the order of creation.

    A training over several pods gets a headless Service, which gives each pod a name.

    Raises:
        ConfigError: The settings are too long to travel with a pod.
    """
    service = [_build_service(order)] if order.step.is_distributed else []
    return [without_none(manifest) for manifest in (_build_job(order), *service)]


def owned_by(manifest: Manifest, job: Mapping[str, Any]) -> Manifest:
    """Return an object that goes when a Job goes: nobody needs the right to delete it.

    Args:
        manifest: The object.
        job: The Job, as the API server has it.
    """
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"],
    }
    return {
        **manifest,
        "metadata": {**manifest["metadata"], "ownerReferences": [owner]},
    }


def _metadata(order: JobOrder) -> Manifest:
    return {
        "name": order.name,
        "namespace": order.settings.cluster.namespace,
        "labels": dict(order.labels),
    }


def _build_service(order: JobOrder) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(order),
        "spec": {
            "clusterIP": "None",
            # Workers look for each other before any of them is ready.
            "publishNotReadyAddresses": True,
            "selector": {"job-name": order.name},
            "ports": [{"name": "workers", "port": WORKER_PORT}],
        },
    }


def _build_job(order: JobOrder) -> Manifest:
    cluster, step = order.settings.cluster, order.step
    metadata = _metadata(order)
    if cluster.queue and step.name != DRIVER:
        metadata["labels"] |= {QUEUE_LABEL: cluster.queue}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "completionMode": "Indexed",
            "completions": step.num_processes,
            "parallelism": step.parallelism,
            "suspend": True if cluster.queue and step.name != DRIVER else None,
            **_back_off(step),
            "podReplacementPolicy": "Failed",  # never two writers
            "podFailurePolicy": {"rules": _failure_rules(step)},
            "ttlSecondsAfterFinished": cluster.ttl_seconds_after_finished,
            "template": build_pod(order),
        },
    }


def _back_off(step: Step) -> Manifest:
    """Return how often pods are replaced, and when the Job is given up."""
    if step.is_distributed:
        return {"backoffLimit": MAX_RETRIES}
    return {
        "backoffLimitPerIndex": MAX_RETRIES,
        "maxFailedIndexes": max_failed_indexes(step),
    }


def max_failed_indexes(step: Step) -> int:
    """Return how many processes of a step may fail before the step has failed.

    A search is worth ending with a few trials missing: `resume` adds them.
    """
    return step.num_processes // 10 if step.name == "trial" else 0


def _failure_rules(step: Step) -> list[Manifest]:
    """Return what a pod's end means; the first rule that fits counts."""
    never_retried = list(NEVER_RETRIED)
    if step.name == DRIVER:  # a run that failed is resumed by people, not by its Job
        never_retried.insert(0, RunFailed.exit_code)
    temporary = [Stopped.exit_code]  # by SIGTERM, all work saved: go on elsewhere
    if step.is_distributed:  # where one worker dies the others leave: no failure
        temporary.insert(0, UnavailableError.exit_code)
    return [
        {
            "action": "Ignore",
            "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
        },
        {
            "action": "FailJob" if step.is_distributed else "FailIndex",
            "onExitCodes": {"operator": "In", "values": never_retried},
        },
        {
            "action": "Ignore",
            "onExitCodes": {"operator": "In", "values": temporary},
        },
    ]
