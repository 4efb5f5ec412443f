"""Builds the pod template of a step: hardened, with its resources and volumes. Pure.

Knows the fields of a pod; not those of a Job (`job`), nor who creates them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lcc.backends.kubernetes.labels import DRIVER
from lcc.backends.kubernetes.resources import num_devices, size_of
from lcc.config import environment
from lcc.config.cluster import SOURCE_FOLDER
from lcc.config.load import dump_changes
from lcc.config.section import Section
from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.launch.plan import Step

Manifest = dict[str, Any]

USER = 10001  # as in the Dockerfile
MAX_SETTINGS_BYTES = 100_000  # Linux takes 128 KiB for one variable of a process
CA_FOLDER = "/etc/lcc-ca"
WORKER_PORT = 2222  # where the workers of one training listen, as TensorFlow's examples


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """One attempt at a step of a run.

    Attributes:
        step: The step.
        run_id: Its run.
        settings: In force, complete.
        name: Of the Job and, for several workers, of its Service.
        labels: Of every object.
    """

    step: Step
    run_id: str
    settings: Settings
    name: str
    labels: Mapping[str, str]


def without_none(value: Any) -> Any:
    """Return an object without the fields that are None, at any depth.

    Example:
        >>> without_none({"a": None, "b": [{"c": None, "d": 1}]})
        {'b': [{'d': 1}]}
    """
    if isinstance(value, dict):
        return {key: without_none(v) for key, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_none(item) for item in value]
    return value


def build_pod(order: JobOrder) -> Manifest:
    """Return the pod template of a step's Job.

    Raises:
        ConfigError: The settings are too long to travel with the pod.
    """
    cluster = order.settings.cluster
    is_driver = order.step.name == DRIVER
    return {
        "metadata": {
            "labels": {**cluster.pod_labels, **order.labels},
            "annotations": {
                **cluster.pod_annotations,
                # An autoscaler must not move a pod that would lose hours of work.
                "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
            },
        },
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": cluster.driver_service_account
            if is_driver
            else cluster.worker_service_account,
            "automountServiceAccountToken": is_driver,
            # A Service called s3 would set S3_PORT, which servers take for theirs.
            "enableServiceLinks": False,
            "subdomain": order.name if order.step.is_distributed else None,
            "activeDeadlineSeconds": cluster.pod_deadline_seconds,
            "terminationGracePeriodSeconds": cluster.termination_grace_period_seconds,
            "priorityClassName": cluster.priority_class,
            "nodeSelector": cluster.node_selector or None,
            "tolerations": _as_given(cluster.tolerations) or None,
            "imagePullSecrets": [{"name": name} for name in cluster.image_pull_secrets]
            or None,
            "topologySpreadConstraints": _spread(order),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [_container(order)],
            "volumes": _volumes(order),
        },
    }


def _spread(order: JobOrder) -> list[Manifest] | None:
    """Spread the pods of a step over nodes where there is a choice."""
    if order.step.num_processes == 1:
        return None
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"job-name": order.name}},
        }
    ]


def _container(order: JobOrder) -> Manifest:
    cluster, step = order.settings.cluster, order.step
    is_driver = step.name == DRIVER
    return {
        "name": step.name,
        "image": cluster.launcher_image if is_driver else cluster.image,
        "imagePullPolicy": str(cluster.image_pull_policy),
        "args": [
            step.module,
            *("--settings", f"env:{environment.SETTINGS}"),
            *("--run", order.run_id),
            *("--num-processes", str(step.num_processes)),
        ],
        "env": _environment(order),
        "envFrom": [{"secretRef": {"name": name}} for name in _secrets(order)] or None,
        "resources": _resources(order),
        # The one error of a process, readable without its log.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "ports": [{"name": "workers", "containerPort": WORKER_PORT}]
        if step.is_distributed
        else None,
        "volumeMounts": _mounts(order),
    }


def _secrets(order: JobOrder) -> list[str]:
    cluster = order.settings.cluster
    names = [cluster.s3_secret]
    if order.step.name == DRIVER:  # workers report through the bucket
        names.append(cluster.tracking_secret)
    return [name for name in names if name]


def _environment(order: JobOrder) -> list[Manifest]:
    storage, proxy = order.settings.storage, order.settings.cluster.proxy
    has_bundle = order.settings.cluster.ca_bundle_config_map is not None
    bundle = f"{CA_FOLDER}/ca.crt" if has_bundle else None
    values = {
        environment.SETTINGS: _settings_text(order.settings),
        environment.JOB_NAME: order.name,
        environment.WORKERS: _worker_addresses(order)
        if order.step.is_distributed
        else None,
        environment.S3_ENDPOINT: storage.endpoint_url,
        "AWS_REGION": storage.region,
        environment.TF_LOG_LEVEL: "2",
        environment.PLOT_BACKEND: "Agg",
        "HTTP_PROXY": proxy.http,
        "HTTPS_PROXY": proxy.https,
        "NO_PROXY": proxy.no,
        "AWS_CA_BUNDLE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
    }
    pod_name = {"fieldRef": {"fieldPath": "metadata.name"}}
    return [
        *({"name": name, "value": text} for name, text in values.items() if text),
        {"name": environment.POD_NAME, "valueFrom": pod_name},
        *_as_given(order.settings.cluster.extra_env),
    ]


def _settings_text(settings: Settings) -> str:
    text = dump_changes(settings)
    if len(text.encode()) > MAX_SETTINGS_BYTES:
        message = (
            f"settings: must have at most {MAX_SETTINGS_BYTES:,} bytes to travel with "
            f"a pod, got {len(text.encode()):,}. Shorten the longest, perhaps "
            "search.grid or data.classes."
        )
        raise ConfigError(message)
    return text.replace("$", "$$")  # Kubernetes makes one of two, and fills in $(NAME)


def _worker_addresses(order: JobOrder) -> str:
    """Return host and port of each worker of a training, in the order of indexes."""
    return ",".join(
        f"{order.name}-{index}.{order.name}:{WORKER_PORT}"
        for index in range(order.step.num_processes)
    )


def _resources(order: JobOrder) -> Manifest:
    cluster = order.settings.cluster
    size = size_of(order.step.name, cluster)
    gpus = num_devices(order.step, order.settings)
    return {
        "requests": {
            "cpu": size.cpu_request,
            "memory": size.memory,
            "ephemeral-storage": size.scratch_request,
        },
        "limits": {
            "cpu": size.cpu_limit,
            "memory": size.memory,
            cluster.gpu_resource: str(gpus) if gpus else None,
        },
    }


def _mounts(order: JobOrder) -> list[Manifest]:
    cluster = order.settings.cluster
    mounts = {"tmp": "/tmp", "shm": "/dev/shm"}  # noqa: S108 - inside the container
    read_only = {
        "source": SOURCE_FOLDER if cluster.source_claim else None,
        "ca": CA_FOLDER if cluster.ca_bundle_config_map else None,
    }
    return [
        *({"name": name, "mountPath": path} for name, path in mounts.items()),
        *(
            {"name": name, "mountPath": path, "readOnly": True}
            for name, path in read_only.items()
            if path
        ),
        *_as_given(cluster.extra_volume_mounts),
    ]


def _volumes(order: JobOrder) -> list[Manifest]:
    cluster = order.settings.cluster
    size = size_of(order.step.name, cluster)
    claim = {"claimName": cluster.source_claim, "readOnly": True}
    volumes: list[Manifest] = [
        {"name": "tmp", "emptyDir": {"sizeLimit": size.scratch}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": size.shm}},
        {
            "name": "source",
            "persistentVolumeClaim": claim if cluster.source_claim else None,
        },
        {"name": "ca", "configMap": {"name": cluster.ca_bundle_config_map}},
    ]
    wanted = {mount["name"] for mount in _mounts(order)}
    own = [volume for volume in volumes if volume["name"] in wanted]
    return [*own, *_as_given(cluster.extra_volumes)]


def _as_given(parts: Iterable[Section]) -> list[Manifest]:
    """Return settings that Kubernetes takes as they are, unset fields as None."""
    return [part.model_dump(mode="json") for part in parts]
