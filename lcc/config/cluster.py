"""Settings of the cluster: `lcc-launch train --gpus 4 -n lab`.

What the chart installs is named by its ConfigMap; the defaults are the names of a
release called `lcc`.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from lcc.config.section import Section

QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
NAME = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"  # DNS-1123 subdomain
LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"  # DNS-1123 label
_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
QUALIFIED = rf"^([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_WORD}$"
LABEL_VALUE = rf"^({_WORD})?$"
VARIABLE = r"^[-._a-zA-Z][-._a-zA-Z0-9]*$"  # Kubernetes' strict rule
ABSOLUTE = r"^/[^:]*$"
# A tag or digest is asked for: what runs must be known afterwards.
IMAGE = (
    r"^[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$"
)

SOURCE_FOLDER = "/mnt/source"  # where pods see the images of a claim

Quantity = Annotated[str, Field(pattern=QUANTITY)]
Qualified = Annotated[str, Field(pattern=QUALIFIED)]
LabelValue = Annotated[str, Field(pattern=LABEL_VALUE)]
ValueSource = Literal["configMapKeyRef", "fieldRef", "resourceFieldRef", "secretKeyRef"]


class ImagePullPolicy(StrEnum):
    """When a node pulls an image, as Kubernetes names it."""

    IF_NOT_PRESENT = "IfNotPresent"
    ALWAYS = "Always"
    NEVER = "Never"


class LightResources(Section):
    """What one pod asks for and may use; here one that only reads and writes tables."""

    # Flat where Kubernetes has requests and limits: memory is one value for both. A pod
    # that uses more than it asked for is the first to be killed.
    cpu_request: Quantity = Field(default="250m", description="CPU request.")
    cpu_limit: Quantity = Field(default="2", description="CPU limit.")
    memory: Quantity = Field(default="2Gi", description="Memory, request and limit.")
    scratch_request: Quantity = Field(
        default="1Gi",  # logs and small files: few pods come near their largest
        description="Local disk that a node must have left for /tmp and logs.",
    )
    scratch: Quantity = Field(
        default="20Gi", description="Largest size of /tmp, where shards are kept."
    )
    shm: Quantity = Field(
        default="64Mi", description="Memory-backed /dev/shm; counts as memory."
    )


class DataResources(LightResources):
    """What a pod that decodes and compares images asks for."""

    cpu_request: Quantity = Field(default="1", description="CPU request.")


class TrainResources(LightResources):
    """What a pod that runs TensorFlow asks for."""

    cpu_request: Quantity = Field(default="2", description="CPU request.")
    cpu_limit: Quantity = Field(default="8", description="CPU limit.")
    memory: Quantity = Field(default="16Gi", description="Memory, request and limit.")
    shm: Quantity = Field(
        # The runtime's 64 MiB are too few for NCCL between GPUs.
        default="1Gi",
        description="Memory-backed /dev/shm; counts as memory.",
    )


class ResourceSettings(Section):
    """Requests and limits of pods as Kubernetes quantities, by what they do."""

    light: LightResources = Field(
        default_factory=LightResources
    )  # list, catalogue, select, compare, images, collect, driver
    data: DataResources = Field(default_factory=DataResources)  # hash, link, overlap
    train: TrainResources = Field(default_factory=TrainResources)  # the rest


class Toleration(Section):
    """One toleration, as Kubernetes takes it."""

    key: Qualified | None = Field(default=None, description="Taint's key.")
    operator: Literal["Exists", "Equal"] = Field(
        default="Exists", description="Exists, or Equal to the value."
    )
    value: LabelValue | None = Field(default=None, description="Taint's value.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Taint's effect; none: each."
    )


class Variable(Section):
    """One environment variable: a text, or where Kubernetes finds it."""

    name: str = Field(pattern=VARIABLE, description="Its name.")
    value: str | None = Field(
        default=None, description="Its text; everybody who sees the pod can read it."
    )
    valueFrom: dict[ValueSource, dict[str, Any]] | None = Field(
        default=None,
        description="Where it is found: {secretKeyRef: {name: tokens, key: hub}}.",
    )


class Volume(Section):
    """One volume: its name beside one source, as configMap or persistentVolumeClaim."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(pattern=LABEL, description="Its name, for a mount.")


class VolumeMount(Section):
    """Where a volume is found in the container."""

    name: str = Field(pattern=LABEL, description="Name of the volume.")
    mountPath: str = Field(
        pattern=ABSOLUTE, description="Folder or file it appears as."
    )
    subPath: str | None = Field(default=None, description="Part of the volume.")
    subPathExpr: str | None = Field(
        default=None, description="Part of the volume, with $(VARIABLE) filled in."
    )
    readOnly: bool | None = Field(default=None, description="Whether nobody may write.")


class ProxySettings(Section):
    """Proxy variables of every pod."""

    http: str | None = Field(default=None, description="HTTP_PROXY.")
    https: str | None = Field(default=None, description="HTTPS_PROXY.")
    no: str | None = Field(default=None, description="NO_PROXY.")


class ClusterSettings(Section):
    """Which cluster, and what every pod has."""

    context: str | None = Field(
        default=None, description="Context of the kubeconfig; by default its current."
    )
    namespace: str | None = Field(
        default=None,
        pattern=LABEL,
        description="Namespace; by default the context's.",
    )
    release: str | None = Field(
        default=None,
        pattern=LABEL,
        description="Release of the chart; asked for where a namespace has several.",
    )
    image: str = Field(
        default="lcc:0.1.0", pattern=IMAGE, description="Worker image, with its tag."
    )
    launcher_image: str = Field(
        default="lcc-launcher:0.1.0", pattern=IMAGE, description="Image of the driver."
    )
    image_pull_policy: ImagePullPolicy = Field(
        default=ImagePullPolicy.IF_NOT_PRESENT, description="When nodes pull the image."
    )
    image_pull_secrets: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        default=(), description="Secrets that images are pulled with."
    )
    worker_service_account: str = Field(
        default="lcc-worker", pattern=NAME, description="Account of worker pods."
    )
    driver_service_account: str = Field(
        default="lcc-driver", pattern=NAME, description="Account of the driver pod."
    )
    s3_secret: str | None = Field(
        default=None,
        pattern=NAME,
        description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; none: "
        "the pod's own identity.",
    )
    tracking_secret: str | None = Field(
        default=None,
        pattern=NAME,
        description="Secret with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD,"
        " or MLFLOW_TRACKING_TOKEN, of an external MLflow; workers never get it.",
    )
    ca_bundle_config_map: str | None = Field(
        default=None,
        pattern=NAME,
        description="ConfigMap whose ca.crt holds further authorities.",
    )
    proxy: ProxySettings = Field(default_factory=ProxySettings)
    gpu_resource: str = Field(
        default="nvidia.com/gpu",
        pattern=QUALIFIED,
        description="Name of the resource that a GPU is.",
    )
    resources: ResourceSettings = Field(default_factory=ResourceSettings)
    node_selector: dict[Qualified, LabelValue] = Field(
        default_factory=dict, description="Labels that a node must have."
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(), description="Taints that pods accept, e.g. of GPU or spot nodes."
    )
    priority_class: str | None = Field(
        default=None, pattern=NAME, description="PriorityClass of every pod."
    )
    queue: str | None = Field(
        default=None, pattern=LABEL, description="Kueue LocalQueue; Jobs wait there."
    )
    source_claim: str | None = Field(
        default=None,
        pattern=NAME,
        description="PersistentVolumeClaim with the images, read at /mnt/source; set "
        "by a source pvc://CLAIM/FOLDER.",
    )
    pod_deadline_seconds: int = Field(
        default=7 * 86_400,
        ge=60,
        description="Longest life of one pod; waiting in a queue does not count.",
    )
    termination_grace_period_seconds: int = Field(
        default=120, ge=1, le=3600, description="Time to save after SIGTERM."
    )
    ttl_seconds_after_finished: int = Field(
        # Their logs are in the store by then.
        default=86_400,
        ge=0,
        description="Finished Jobs and pods are removed after this; logs are kept.",
    )
    extra_env: tuple[Variable, ...] = Field(
        default=(),
        description="Further variables of every container, as Kubernetes writes them: "
        "[{name: HF_HOME, value: /weights}].",
    )
    pod_annotations: dict[Qualified, str] = Field(
        default_factory=dict, description="Further annotations of every pod."
    )
    pod_labels: dict[Qualified, LabelValue] = Field(
        default_factory=dict, description="Further labels of every pod."
    )
    extra_volumes: tuple[Volume, ...] = Field(
        default=(),
        description="Further volumes of every pod, as Kubernetes writes them: "
        "[{name: weights, persistentVolumeClaim: {claimName: weights}}].",
    )
    extra_volume_mounts: tuple[VolumeMount, ...] = Field(
        default=(),
        description="Where they are found: [{name: weights, mountPath: /weights}].",
    )
    wait_for_nodes: bool = Field(
        default=False,
        description="Wait where no node is large enough: a node group may grow one.",
    )
