"""Names and labels of a run's objects, and selectors that find them again. Pure."""

import lcc

PART_OF = "lcc"
MANAGED_BY = "lcc-launch"
RUN = "lcc.dev/run"
STEP = "lcc.dev/step"
ATTEMPT = "lcc.dev/attempt"
PIPELINE = "lcc.dev/pipeline"
DRIVER = "driver"  # the step whose pod drives a run from inside the cluster


def build_labels(
    run_id: str, step: str, *, attempt: int, pipeline: str | None = None
) -> dict[str, str]:
    """Return the labels of everything that belongs to one attempt at a step.

    Example:
        >>> build_labels("train-20261123-0915-k3f9", "train", attempt=1)["lcc.dev/run"]
        'train-20261123-0915-k3f9'
    """
    return {
        "app.kubernetes.io/name": "lcc",
        "app.kubernetes.io/instance": run_id,
        "app.kubernetes.io/version": lcc.__version__,
        "app.kubernetes.io/component": step,
        "app.kubernetes.io/part-of": PART_OF,
        "app.kubernetes.io/managed-by": MANAGED_BY,
        RUN: run_id,
        STEP: step,
        ATTEMPT: str(attempt),
        **({PIPELINE: pipeline} if pipeline else {}),
    }


def job_name(run_id: str, step: str, *, attempt: int) -> str:
    """Return the name of a Job; Jobs are immutable, so each attempt has its own.

    Example:
        >>> job_name("train-20261123-0915-k3f9", "train", attempt=2)
        'train-20261123-0915-k3f9-train-2'
    """
    return f"{run_id}-{step}-{attempt}"


def select(**labels: str) -> str:
    """Return a label selector for the objects of this launcher.

    Example:
        >>> select(run="train-1", step="train")
        'app.kubernetes.io/managed-by=lcc-launch,lcc.dev/run=train-1,lcc.dev/step=train'
    """
    own = [f"lcc.dev/{word}={value}" for word, value in labels.items()]
    return ",".join([f"app.kubernetes.io/managed-by={MANAGED_BY}", *own])
