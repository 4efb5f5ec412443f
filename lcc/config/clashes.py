"""What users may not add to pods: what lcc sets itself, and what contradicts itself.

Knows the names that the launcher gives to a pod's parts; a test compares them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from lcc.config import environment
from lcc.config.cluster import SOURCE_FOLDER, ClusterSettings, Variable, Volume

# Variables that the launcher or the image sets → the setting to use instead.
OWN_VARIABLES = {
    environment.S3_ACCESS_KEY: "cluster.s3_secret",
    environment.S3_SECRET_KEY: "cluster.s3_secret",
    environment.S3_ENDPOINT: "storage.endpoint_url",
    "AWS_REGION": "storage.region",
    "AWS_CA_BUNDLE": "cluster.ca_bundle_config_map",
    "REQUESTS_CA_BUNDLE": "cluster.ca_bundle_config_map",
    "HTTP_PROXY": "cluster.proxy.http",
    "HTTPS_PROXY": "cluster.proxy.https",
    "NO_PROXY": "cluster.proxy.no",
    "MLFLOW_TRACKING_USERNAME": "cluster.tracking_secret",
    "MLFLOW_TRACKING_PASSWORD": "cluster.tracking_secret",
    "MLFLOW_TRACKING_TOKEN": "cluster.tracking_secret",
    **dict.fromkeys(
        (environment.PLOT_BACKEND, environment.TF_LOG_LEVEL, "PATH", "PYTHONPATH"), ""
    ),
}
# Pods and Jobs are found, and let through NetworkPolicies, by these.
OWN_LABELS = (
    *("app.kubernetes.io/", "batch.kubernetes.io/", "lcc.dev/"),
    *("job-name", "controller-uid", "kueue.x-k8s.io/queue-name"),
)
OWN_ANNOTATIONS = (
    *("batch.kubernetes.io/", "lcc.dev/"),
    "cluster-autoscaler.kubernetes.io/safe-to-evict",
)
OWN_VOLUMES = frozenset({"tmp", "shm", "source", "ca"})
OWN_FOLDERS = frozenset({"/tmp", "/dev/shm", SOURCE_FOLDER, "/etc/lcc-ca"})  # noqa: S108 - inside the container


def addition_faults(cluster: ClusterSettings) -> Iterator[str]:
    """Yield what contradicts the launcher's own fields, or itself."""
    yield from _variable_faults(cluster.extra_env)
    yield from _key_faults("pod_labels", cluster.pod_labels, OWN_LABELS)
    yield from _key_faults("pod_annotations", cluster.pod_annotations, OWN_ANNOTATIONS)
    yield from _volume_faults(cluster.extra_volumes)
    yield from _mount_faults(cluster)


def _variable_faults(variables: Iterable[Variable]) -> Iterator[str]:
    for variable in variables:
        name, path = variable.name, f"cluster.extra_env.{variable.name}"
        if (variable.value is None) == (variable.valueFrom is None):
            got = "neither" if variable.value is None else "both"
            yield f"{path}: must have value or valueFrom, got {got}. Give one."
        setting = _own_setting(name)
        if setting is not None:
            remedy = f"Set {setting} instead." if setting else "Remove it."
            yield f"{path}: must not be a variable of lcc's own, got {name}. {remedy}"
    yield from _repeated("extra_env", (variable.name for variable in variables))


def _own_setting(variable: str) -> str | None:
    """Return what to set in place of a variable, None where users may set it."""
    is_own = variable.startswith(environment.OWN_PREFIX)
    if is_own and variable != environment.LOG_LEVEL:
        return ""
    if variable.endswith("_proxy"):  # read by clients before HTTP_PROXY
        variable = variable.upper()
    return OWN_VARIABLES.get(variable)


def _key_faults(field: str, keys: Iterable[str], own: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        if key in own or f"{key.partition('/')[0]}/" in own:
            yield (
                f"cluster.{field}.{key}: must not be a key that lcc or Kubernetes "
                f"sets, got {key}. Choose another."
            )


def _volume_faults(volumes: Iterable[Volume]) -> Iterator[str]:
    for volume in volumes:
        path, sources = f"cluster.extra_volumes.{volume.name}", volume.model_extra or {}
        if len(sources) != 1:
            yield (
                f"{path}: must have one source, such as configMap or "
                f"persistentVolumeClaim, got {', '.join(sources) or 'none'}. Give one."
            )
        if volume.name in OWN_VOLUMES:
            yield (
                f"{path}: must not be a volume of lcc's own, got {volume.name}. "
                "Choose another name."
            )
    yield from _repeated("extra_volumes", (volume.name for volume in volumes))


def _mount_faults(cluster: ClusterSettings) -> Iterator[str]:
    names = {volume.name for volume in cluster.extra_volumes}
    for mount in cluster.extra_volume_mounts:
        path = f"cluster.extra_volume_mounts.{mount.name}"
        if mount.name not in names:
            known = ", ".join(sorted(names)) or "none"
            yield (
                f"{path}: must name one of cluster.extra_volumes ({known}), got "
                f"{mount.name}. Add the volume."
            )
        if mount.mountPath.rstrip("/") in OWN_FOLDERS:
            yield (
                f"{path}: must not hide a folder of lcc's own, got {mount.mountPath}. "
                "Choose another."
            )
    paths = (mount.mountPath for mount in cluster.extra_volume_mounts)
    yield from _repeated("extra_volume_mounts", paths)


def _repeated(field: str, names: Iterable[str]) -> Iterator[str]:
    for name, number in Counter(names).items():
        if number > 1:
            yield (
                f"cluster.{field}: must not repeat a name, got {name} {number} times. "
                "Remove all but one."
            )
