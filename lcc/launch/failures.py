"""How a Job failed, in the words of the pod that tells most. Pure."""

from collections.abc import Iterable

from lcc.launch.observing import JobFacts, PodFacts
from lcc.launch.outcome import Outcome

KILLED = 137  # 128 + SIGKILL


def failed_outcome(job: JobFacts, pods: Iterable[PodFacts], memory: str) -> Outcome:
    """Return how a Job failed: the words of a pod that failed for good.

    Args:
        job: The Job.
        pods: Its pods.
        memory: The setting that a pod's memory comes from, for its remedy.
    """
    ended = [pod for pod in pods if pod.phase == "Failed" or pod.exit_code]
    if not ended:
        return Outcome(exit_code=1, message=f"job {job.name}: {job.failure}")
    worst = max(ended, key=lambda pod: (_gravity(pod), pod.created))
    return Outcome(
        exit_code=_exit_code(worst),
        message=_last_words(worst, memory),
    )


def _gravity(pod: PodFacts) -> int:
    """Return what tells most: wrong input, lack of memory, any failure, weather."""
    code = pod.exit_code or 0
    if code in {2, 3, 4}:
        return 3
    if pod.killer == "OOMKilled":
        return 2
    return 0 if code in {75, 143} else 1


def _exit_code(pod: PodFacts) -> int:
    code = pod.exit_code or 1
    return code if code in {1, 2, 3, 4, 75} else 1


def _last_words(pod: PodFacts, memory: str) -> str:
    if pod.killer == "OOMKilled":
        return (
            f"pod {pod.name}: must stay within its memory, got OOMKilled. "
            f"Raise {memory}."
        )
    if pod.killer:
        return f"pod {pod.name}: {pod.killer} {pod.message}".rstrip()
    if pod.exit_code == KILLED:
        return f"pod {pod.name}: was killed. {pod.message}".rstrip()
    if pod.says_why:
        return pod.message
    last = pod.message.splitlines()[-1:]
    return last[0] if last else f"pod {pod.name}: exit code {pod.exit_code}"
