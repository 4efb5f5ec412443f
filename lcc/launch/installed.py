"""What an installed chart left in its namespace: settings for all, and keys to S3."""

import base64
from collections.abc import MutableMapping

from lcc.errors import ConfigError
from lcc.launch.cluster import Cluster

SETTINGS_SELECTOR = "app.kubernetes.io/part-of=lcc,app.kubernetes.io/component=settings"
FILE = "lcc.yaml"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def chart_settings(cluster: Cluster, release: str | None) -> tuple[str, str] | None:
    """Return (text, source) of the chart's settings, None where none is installed.

    Raises:
        ConfigError: Several releases, and none is named.
    """
    selector = SETTINGS_SELECTOR
    if release:
        selector += f",app.kubernetes.io/instance={release}"
    pages = cluster.pages("ConfigMap", selector)
    found = {item["metadata"]["name"]: item for page in pages for item in page.items}
    if len(found) > 1:
        names = sorted(
            item["metadata"]["labels"].get("app.kubernetes.io/instance", name)
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


def use_keys(
    cluster: Cluster, secret: str | None, environ: MutableMapping[str, str]
) -> None:
    """Put the keys of a Secret where boto3 looks; a pod has them already.

    Raises:
        ConfigError: There is no such Secret, or it lacks a key.
    """
    if secret is None or "LCC_POD_NAME" in environ:
        return
    found = cluster.read("Secret", secret)
    data = (found or {}).get("data", {})
    missing = [key for key in KEYS if key not in data]
    if missing:
        got = f"no {' and no '.join(missing)} in it" if found else "none"
        message = (
            f"cluster.s3_secret: Secret {secret} must exist in namespace "
            f"{cluster.namespace} and hold {' and '.join(KEYS)}, got {got}. Make it "
            f"with kubectl create secret generic {secret} -n {cluster.namespace} "
            + " ".join(f"--from-literal={key}=…" for key in KEYS)
        )
        raise ConfigError(message)
    for key in KEYS:
        environ[key] = base64.b64decode(data[key]).decode()
