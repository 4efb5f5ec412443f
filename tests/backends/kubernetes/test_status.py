"""What is said of Jobs and pods, from status fields as a real cluster writes them."""

import pytest

from lcc.backends.kubernetes.reasons import (
    exceeds_quota,
    failed_outcome,
    waiting_reason,
)
from lcc.backends.kubernetes.status import JobFacts, PodFacts, job_facts, pod_facts

UNSCHEDULABLE = (
    "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. no new claims to "
    "deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful."
)
MEMORY = "cluster.resources.train.memory"


def a_pod(**status: object) -> dict[str, object]:
    return {
        "metadata": {
            "name": "train-0-abcde",
            "creationTimestamp": "2026-11-23T09:15:00Z",
            "annotations": {"batch.kubernetes.io/job-completion-index": "3"},
        },
        "spec": {"nodeName": "node-1"},
        "status": {"phase": "Pending", **status},
    }


def waiting(reason: str, message: str = "") -> list[dict[str, object]]:
    return [{"state": {"waiting": {"reason": reason, "message": message}}}]


def ended(code: int, reason: str = "Error", message: str = "") -> dict[str, object]:
    state = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    return {"phase": "Failed", "containerStatuses": [{"state": state}]}


def test_an_unschedulable_pod_names_the_resource() -> None:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": UNSCHEDULABLE,
    }

    facts = pod_facts(a_pod(conditions=[condition]))

    assert facts.waiting.startswith(
        "Unschedulable: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu"
    )
    assert not facts.stuck_reason


@pytest.mark.parametrize(
    ("reason", "is_stuck"),
    [
        pytest.param("ImagePullBackOff", True, id="image"),
        pytest.param("CreateContainerConfigError", True, id="secret"),
        pytest.param("ContainerCreating", False, id="starting"),
    ],
)
def test_a_pod_that_waits_for_ever_is_stuck(reason: str, *, is_stuck: bool) -> None:
    facts = pod_facts(a_pod(containerStatuses=waiting(reason, "not found")))

    assert facts.stuck_reason == (reason if is_stuck else "")
    assert facts.waiting == (f"{reason}: not found" if is_stuck else "")


def test_a_pod_knows_its_index_and_node() -> None:
    facts = pod_facts(a_pod(phase="Running"))

    assert (facts.index, facts.node, facts.phase) == (3, "node-1", "Running")


@pytest.mark.parametrize(
    ("conditions", "is_complete", "failure"),
    [
        pytest.param([], False, "", id="at work"),
        pytest.param([("Complete", "")], True, "", id="complete"),
        pytest.param(
            [("FailureTarget", "x"), ("Failed", "FailedIndexes")],
            False,
            "FailedIndexes: 2 indexes failed",
            id="failed",
        ),
        pytest.param([("FailureTarget", "x")], False, "", id="failing, pods still go"),
    ],
)
def test_a_job_is_finished_when_its_condition_says_so(
    conditions: list[tuple[str, str]], *, is_complete: bool, failure: str
) -> None:
    job = {
        "metadata": {"name": "j"},
        "spec": {"completions": 5},
        "status": {
            "succeeded": 3,
            "conditions": [
                {
                    "type": kind,
                    "status": "True",
                    "reason": reason,
                    "message": "2 indexes failed",
                    "lastTransitionTime": "2026-11-23T09:16:00Z",
                }
                for kind, reason in conditions
            ],
        },
    }

    facts = job_facts(job)

    assert (facts.is_complete, facts.failure) == (is_complete, failure)
    assert (facts.succeeded, facts.total) == (3, 5)


def test_the_commonest_reason_is_told_with_its_count() -> None:
    pods = [
        PodFacts(name="a", waiting="Unschedulable: 0/1 nodes"),
        PodFacts(name="b", waiting="Unschedulable: 0/1 nodes"),
        PodFacts(name="c", waiting="ErrImagePull: no"),
        PodFacts(name="d", phase="Running"),
    ]

    assert waiting_reason(JobFacts(name="j", active=4), pods) == (
        "2 pods wait: Unschedulable: 0/1 nodes"
    )


def test_a_lost_node_is_named_with_the_command_that_gives_it_up() -> None:
    pod = PodFacts(
        name="a", phase="Running", is_leaving=True, killer="NodeLost", node="node-7"
    )

    reason = waiting_reason(JobFacts(name="j", active=1), [pod])

    assert "kubectl taint node node-7 node.kubernetes.io/out-of-service" in reason


def test_a_pod_that_died_without_a_word_is_not_quoted_by_its_log() -> None:
    said = ended(75, message="launch.pods: must live to its end, lost one.")
    killed = ended(137, message="=0.42 learning_rate=0.0001")
    pods = {75: pod_facts(a_pod(**said)), 137: pod_facts(a_pod(**killed))}
    job = JobFacts(name="j", active=1)

    reasons = {code: waiting_reason(job, [pod]) for code, pod in pods.items()}

    assert reasons == {
        75: "tries again after: launch.pods: must live to its end, lost one.",
        137: "tries again after: exit code 137 of pod train-0-abcde",
    }


def test_a_suspended_job_waits_for_its_queue() -> None:
    assert "queue" in waiting_reason(JobFacts(name="j", is_suspended=True), [])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            "exceeded quota: q, requested: requests.cpu=4, used: requests.cpu=0, "
            "limited: requests.cpu=2",
            True,
            id="above it alone",
        ),
        pytest.param(
            "exceeded quota: q, requested: requests.memory=2Gi, used: "
            "requests.memory=7Gi, limited: requests.memory=8Gi",
            False,
            id="room comes",
        ),
        pytest.param('error looking up service account lab/x: not found', True,
                     id="no account"),
        pytest.param("", False, id="nothing said"),
    ],
)  # fmt: skip
def test_what_exceeds_quota_is_told_from_what_waits(
    message: str, *, expected: bool
) -> None:
    assert exceeds_quota(message) is expected


def test_wrong_settings_speak_for_themselves() -> None:
    pods = [
        pod_facts(a_pod(**ended(75, message="s3 is away"))),
        pod_facts(a_pod(**ended(2, message="model.weights: not found. Set it."))),
    ]

    outcome = failed_outcome(JobFacts(name="j", failure="x"), pods, MEMORY)

    assert (outcome.exit_code, outcome.message) == (
        2,
        "model.weights: not found. Set it.",
    )


def test_lack_of_memory_names_the_setting_to_raise() -> None:
    pod = pod_facts(a_pod(**ended(137, "OOMKilled")))

    outcome = failed_outcome(JobFacts(name="j", failure="x"), [pod], MEMORY)

    assert (outcome.exit_code, outcome.message) == (
        2,
        "pod train-0-abcde: must stay within its memory, got OOMKilled. Raise "
        "cluster.resources.train.memory.",
    )


def test_a_job_without_a_failed_pod_tells_its_own_reason() -> None:
    outcome = failed_outcome(
        JobFacts(name="j", failure="BackoffLimitExceeded"), [], MEMORY
    )

    assert outcome.message == "job j: BackoffLimitExceeded"
