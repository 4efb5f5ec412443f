"""Jobs and Services as they go to the API server; each is valid Kubernetes."""

import re

import kubernetes_validate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcc.backends.kubernetes.job import build_manifests, order_job
from lcc.backends.kubernetes.labels import job_name
from lcc.backends.kubernetes.pod import Manifest, build_pod
from lcc.backends.kubernetes.render import render_stage, stage_manifests
from lcc.config.clashes import addition_faults
from lcc.config.cluster import ClusterSettings
from lcc.config.load import changed_settings, parse_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.launch.plan import Stage, Step, build_plan
from lcc.launch.state import new_run_id

RUN = "train-20261123-0915-k3f9"
KUBERNETES = "1.33"
EVERYTHING = {
    "cluster.namespace": "lab",
    "cluster.s3_secret": "lcc-s3",
    "cluster.tracking_secret": "login",
    "cluster.ca_bundle_config_map": "our-ca",
    "cluster.proxy.https": "http://proxy:3128",
    "cluster.image_pull_secrets": ["pull"],
    "cluster.node_selector": {"pool": "gpu"},
    "cluster.tolerations": [{"key": "spot", "effect": "NoSchedule"}],
    "cluster.priority_class": "batch",
    "cluster.queue": "team-a",
    "cluster.source_claim": "tiles",
    "cluster.extra_env": [
        {"name": "HF_HOME", "value": "/weights"},
        {
            "name": "HF_TOKEN",
            "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}},
        },
    ],
    "cluster.pod_annotations": {"sidecar.istio.io/inject": "false"},
    "cluster.pod_labels": {"team": "pathology"},
    "cluster.extra_volumes": [
        {"name": "weights", "persistentVolumeClaim": {"claimName": "weights"}}
    ],
    "cluster.extra_volume_mounts": [
        {"name": "weights", "mountPath": "/weights", "readOnly": True}
    ],
    "launch.gpus": 4,
    "launch.pods": 2,
}

STEPS = (
    *("list", "hash", "link", "catalogue", "features"),
    *("trial", "select", "train", "evaluate", "compare", "driver"),
)


def settings_with(**changes: object) -> Settings:
    dotted = {path.replace("__", "."): value for path, value in changes.items()}
    always = {"storage.root": "s3://lcc/study", "cluster.namespace": "lab"}
    return changed_settings(Settings(), always | dotted)


def objects_of(step: Step, **changes: object) -> list[Manifest]:
    settings = settings_with(**changes)
    return build_manifests(order_job(step, settings, run_id=RUN, attempt=1))


def job_of(step: Step, **changes: object) -> Manifest:
    return objects_of(step, **changes)[0]


def template_of(step: Step, **changes: object) -> Manifest:
    template: Manifest = job_of(step, **changes)["spec"]["template"]
    return template


def pod_of(step: Step, **changes: object) -> Manifest:
    pod: Manifest = template_of(step, **changes)["spec"]
    return pod


@pytest.mark.parametrize("stage", [s for s in Stage if s is not Stage.PIPELINE])
@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_every_object_is_valid_kubernetes(
    stage: Stage, changes: dict[str, object]
) -> None:
    settings = changed_settings(settings_with(), changes)

    for manifest in stage_manifests(stage, settings):
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_gpus_are_asked_for_in_limits_alone() -> None:
    resources = pod_of(Step(name="train", gpus=4))["containers"][0]["resources"]

    assert resources["limits"]["nvidia.com/gpu"] == "4"
    assert "nvidia.com/gpu" not in resources["requests"]


def test_logical_devices_of_the_cpu_ask_for_no_gpu() -> None:
    pod = pod_of(Step(name="train", gpus=4), train__device="cpu")

    assert set(pod["containers"][0]["resources"]["limits"]) == {"cpu", "memory"}


def test_the_gpu_resource_has_the_name_that_is_set() -> None:
    pod = pod_of(Step(name="train", gpus=1), cluster__gpu_resource="amd.com/gpu")

    assert pod["containers"][0]["resources"]["limits"]["amd.com/gpu"] == "1"


def test_a_search_pod_asks_for_one_gpu() -> None:
    settings = settings_with(launch__gpus=4)

    plan = build_plan(Stage.SEARCH, settings, parallelism=4)

    assert {step.name: step.gpus for step in plan.steps} == {"trial": 1, "select": 0}


def test_pods_are_restricted() -> None:
    pod = pod_of(Step(name="hash", num_processes=3))
    container = pod["containers"][0]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False


def test_only_the_driver_has_a_token() -> None:
    pod = pod_of(Step(name="driver"))

    assert pod["automountServiceAccountToken"] is True
    assert pod["serviceAccountName"] == "lcc-driver"
    assert pod["containers"][0]["image"].startswith("lcc-launcher:")


def test_hopeless_ends_are_not_tried_again() -> None:
    spec = job_of(Step(name="hash", num_processes=3))["spec"]

    assert spec["podFailurePolicy"]["rules"] == [
        {
            "action": "Ignore",
            "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
        },
        {
            "action": "FailIndex",
            "onExitCodes": {"operator": "In", "values": [2, 3, 4]},
        },
        {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [143]}},
    ]
    assert (spec["backoffLimitPerIndex"], spec["maxFailedIndexes"]) == (3, 0)


@pytest.mark.parametrize(
    ("step", "secrets"), [("driver", ["lcc-s3", "login"]), ("train", ["lcc-s3"])]
)
def test_only_the_driver_gets_the_login_of_mlflow(
    step: str, secrets: list[str]
) -> None:
    (container,) = pod_of(Step(name=step), **EVERYTHING)["containers"]

    assert [item["secretRef"]["name"] for item in container["envFrom"]] == secrets


def test_a_driver_does_not_try_a_failed_run_again_by_itself() -> None:
    rules = job_of(Step(name="driver"))["spec"]["podFailurePolicy"]["rules"]

    assert rules[1]["action"] == "FailIndex"
    assert rules[1]["onExitCodes"]["values"] == [1, 2, 3, 4]


def test_a_search_ends_with_a_few_indexes_missing() -> None:
    spec = job_of(Step(name="trial", num_processes=50, parallelism=20))["spec"]

    assert (spec["completions"], spec["parallelism"]) == (50, 20)
    assert spec["maxFailedIndexes"] == 5


def test_a_group_stands_and_falls_together() -> None:
    step = Step(
        name="train", num_processes=2, parallelism=2, gpus=2, is_distributed=True
    )
    job, service = objects_of(step)
    pod = job["spec"]["template"]["spec"]
    environment = {e["name"]: e.get("value") for e in pod["containers"][0]["env"]}
    name = f"{RUN}-train-1"

    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert pod["subdomain"] == service["metadata"]["name"] == name
    assert environment["LCC_WORKERS"] == f"{name}-0.{name}:2222,{name}-1.{name}:2222"
    assert job["spec"]["backoffLimit"] == 3
    rules = job["spec"]["podFailurePolicy"]["rules"]
    assert rules[1]["action"] == "FailJob"
    assert rules[2]["onExitCodes"]["values"] == [75, 143]


def test_a_queue_holds_jobs_back_but_not_the_driver() -> None:
    queue = "kueue.x-k8s.io/queue-name"
    held = job_of(Step(name="hash"), cluster__queue="team-a")
    driver = job_of(Step(name="driver"), cluster__queue="team-a")

    assert held["metadata"]["labels"][queue] == "team-a"
    assert held["spec"]["suspend"] is True
    assert queue not in driver["metadata"]["labels"]
    assert "suspend" not in driver["spec"]


@pytest.mark.parametrize("step", STEPS)
def test_extra_variables_reach_every_pod(step: str) -> None:
    (container,) = pod_of(Step(name=step), **EVERYTHING)["containers"]

    assert container["env"][-2:] == EVERYTHING["cluster.extra_env"]


@pytest.mark.parametrize("step", STEPS)
def test_extra_labels_and_annotations_reach_every_pod(step: str) -> None:
    metadata = template_of(Step(name=step), **EVERYTHING)["metadata"]

    assert metadata["labels"]["team"] == "pathology"
    assert metadata["labels"]["lcc.dev/step"] == step
    assert metadata["annotations"] == {
        "sidecar.istio.io/inject": "false",
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    }


@pytest.mark.parametrize("step", STEPS)
def test_extra_volumes_reach_every_pod(step: str) -> None:
    pod = pod_of(Step(name=step), **EVERYTHING)
    mounts = pod["containers"][0]["volumeMounts"]

    assert pod["volumes"][-1:] == EVERYTHING["cluster.extra_volumes"]
    assert mounts[-1:] == EVERYTHING["cluster.extra_volume_mounts"]


def test_what_a_pod_has_already_may_not_be_added() -> None:
    step = Step(name="train", num_processes=2, parallelism=2, is_distributed=True)
    own = template_of(
        step,
        storage__endpoint_url="http://s3",
        storage__region="eu-central-1",
        cluster__proxy={"http": "http://p", "https": "http://p", "no": ".svc"},
        cluster__ca_bundle_config_map="our-ca",
        cluster__source_claim="tiles",
    )
    (container,) = own["spec"]["containers"]
    again = {
        "extra_env": [{"name": v["name"], "value": "x"} for v in container["env"]],
        "pod_labels": dict.fromkeys(own["metadata"]["labels"], "x"),
        "pod_annotations": dict.fromkeys(own["metadata"]["annotations"], "x"),
        "extra_volumes": [
            {"name": volume["name"], "emptyDir": {}}
            for volume in own["spec"]["volumes"]
        ],
        "extra_volume_mounts": [
            {"name": mount["name"], "mountPath": mount["mountPath"]}
            for mount in container["volumeMounts"]
        ],
    }

    faults = list(addition_faults(ClusterSettings.model_validate(again)))

    assert len(faults) == sum(map(len, again.values())) == 31


def test_settings_travel_with_the_pod() -> None:
    pod = pod_of(Step(name="train"), train__epochs=3)
    container = pod["containers"][0]
    text = next(e["value"] for e in container["env"] if e["name"] == "LCC_SETTINGS")

    assert container["args"][:3] == ["jobs.train", "--settings", "env:LCC_SETTINGS"]
    assert parse_settings(text, source="env") == settings_with(train__epochs=3)


def test_no_dollar_of_the_settings_is_filled_in_by_kubernetes() -> None:
    variables = [{"name": "COSTS", "value": "$(HOME) and $$"}]
    pod = pod_of(Step(name="list"), cluster__extra_env=variables)
    (container,) = pod["containers"]
    text = next(e["value"] for e in container["env"] if e["name"] == "LCC_SETTINGS")

    arrived = parse_settings(text.replace("$$", "$"), source="env")

    assert "$$(HOME) and $$$$" in text
    assert arrived == settings_with(cluster__extra_env=variables)


def test_settings_that_are_too_long_to_travel_are_refused() -> None:
    variable = {"name": "NOTE", "value": "x" * 100_000}
    settings = settings_with(cluster__extra_env=[variable])

    with pytest.raises(ConfigError, match=r"settings: must have at most 100,000 bytes"):
        build_pod(order_job(Step(name="trial"), settings, run_id=RUN, attempt=1))


def test_later_steps_of_a_printed_stage_wait_to_be_resumed() -> None:
    jobs = list(stage_manifests(Stage.PREPARE, settings_with()))

    assert [job["spec"].get("suspend", False) for job in jobs] == [
        False,
        True,
        True,
        True,
    ]
    assert "kubectl patch job" in render_stage(Stage.PREPARE, settings_with())


@given(
    stage=st.sampled_from(list(Stage)),
    step=st.sampled_from(["catalogue", "evaluate", "driver"]),
    attempt=st.integers(1, 999),
)
def test_names_are_dns_labels(stage: Stage, step: str, attempt: int) -> None:
    name = job_name(new_run_id(stage), step, attempt=attempt)

    # A pod's hostname is the Job's name and its index; both must fit a label.
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    assert len(f"{name}-99999") <= 63


@pytest.mark.parametrize("stage", Stage)
def test_a_quota_of_any_resource_lets_every_step_in(stage: Stage) -> None:
    settings = settings_with(model__frozen_stages="all", data__source="s3://lcc/t")
    driver = build_manifests(
        order_job(Step(name="driver"), settings, run_id=RUN, attempt=1)
    )
    jobs = [*stage_manifests(stage, settings), *driver]

    for job in jobs:
        for container in job["spec"]["template"]["spec"]["containers"]:
            for bound in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(container["resources"][bound])


def test_every_size_of_a_pod_is_a_setting() -> None:
    sizes = {
        "cpu_request": "7001m",
        "cpu_limit": "7002m",
        "memory": "7003Mi",
        "scratch_request": "7004Mi",
        "scratch": "7005Mi",
        "shm": "7006Ki",
    }
    changes = {f"cluster__resources__train__{name}": v for name, v in sizes.items()}
    spec = template_of(Step(name="train"), **changes)["spec"]

    assert spec["containers"][0]["resources"] == {
        "requests": {
            "cpu": "7001m",
            "memory": "7003Mi",
            "ephemeral-storage": "7004Mi",
        },
        "limits": {"cpu": "7002m", "memory": "7003Mi"},
    }
    limits = {v["name"]: v["emptyDir"]["sizeLimit"] for v in spec["volumes"]}
    assert limits == {"tmp": "7005Mi", "shm": "7006Ki"}
