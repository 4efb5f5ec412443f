"""Reads what an installed chart keeps in its namespace: settings, keys and logins."""

import base64
from collections.abc import MutableMapping

from lcc.backends.kubernetes.interface import Cluster
from lcc.config import environment
from lcc.config.cluster import ClusterSettings
from lcc.errors import ConfigError

SETTINGS_SELECTOR = "app.kubernetes.io/part-of=lcc,app.kubernetes.io/component=settings"
FILE = "lcc.yaml"
CHART_ROOT = "s3://lcc/study"  # where the chart makes the bucket
RELEASE = "app.kubernetes.io/instance"
# What a Secret may hold, as boto3 and MLflow read it from the environment.
S3_KEYS = ((environment.S3_ACCESS_KEY, environment.S3_SECRET_KEY),)
LOGINS = (
    ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"),
    ("MLFLOW_TRACKING_TOKEN",),
)


def chart_settings(cluster: Cluster, release: str | None) -> tuple[str, str] | None:
    """Return (text, source) of the chart's settings, None where none is installed.

    Raises:
        ConfigError: Several releases, and none is named.
    """
    selector = SETTINGS_SELECTOR
    if release:
        selector += f",{RELEASE}={release}"
    pages = cluster.pages("ConfigMap", selector)
    found = {item["metadata"]["name"]: item for page in pages for item in page.items}
    if len(found) > 1:
        names = sorted(
            item["metadata"]["labels"].get(RELEASE, name)
            for name, item in found.items()
        )
        message = (
            f"cluster.release: must be set where namespace {cluster.namespace} has "
            f"several, got nothing. Use one of {', '.join(names)}."
        )
        raise ConfigError(message)
    for name, item in found.items():
        return item["data"].get(FILE, ""), f"configmap {name}"
    return None


def use_secrets(
    cluster: Cluster, settings: ClusterSettings, environ: MutableMapping[str, str]
) -> None:
    """Put keys and logins where boto3 and MLflow look; a pod has them already.

    Raises:
        ConfigError: There is no such Secret, or it lacks a key.
    """
    if environment.POD_NAME in environ:
        return
    if settings.s3_secret:
        field = "cluster.s3_secret"
        environ.update(_read(cluster, field, settings.s3_secret, S3_KEYS))
    if settings.tracking_secret:
        field = "cluster.tracking_secret"
        environ.update(_read(cluster, field, settings.tracking_secret, LOGINS))


def _read(
    cluster: Cluster, field: str, secret: str, choices: tuple[tuple[str, ...], ...]
) -> dict[str, str]:
    """Return the first choice of keys that a Secret holds whole."""
    found = cluster.read("Secret", secret)
    data = (found or {}).get("data", {})
    for keys in choices:
        if all(key in data for key in keys):
            return {key: base64.b64decode(data[key]).decode() for key in keys}
    missing = " and no ".join(key for key in choices[0] if key not in data)
    got = f"no {missing} in it" if found else "none"
    message = (
        f"{field}: Secret {secret} must exist in namespace {cluster.namespace} and "
        f"hold {', or '.join(' and '.join(keys) for keys in choices)}, got {got}. "
        f"{_remedy(cluster, secret, choices[0])}"
    )
    raise ConfigError(message)


def _remedy(cluster: Cluster, secret: str, keys: tuple[str, ...]) -> str:
    """Return how a Secret comes to be: that of the chart's own store by the chart."""
    where = f"-n {cluster.namespace}"
    server = cluster.read("Service", secret)  # the chart names both alike
    if server is None:
        literals = " ".join(f"--from-literal={key}=…" for key in keys)
        return f"Make it with kubectl create secret generic {secret} {where} {literals}"
    release = server["metadata"].get("labels", {}).get(RELEASE, "lcc")
    return (
        f"The chart makes the keys of its own store: helm upgrade {release} charts/lcc "
        f"{where} --reset-then-reuse-values --no-hooks && kubectl rollout restart "
        f"{where} statefulset,deployment -l {RELEASE}={release}"
    )
