"""Which cluster: the user's kubeconfig, or the one that this pod runs in."""

import os
from collections.abc import Callable
from pathlib import Path

from kubernetes import client, config
from kubernetes.config.incluster_config import SERVICE_TOKEN_FILENAME

from lcc.errors import ConfigError


def load_kubeconfig(
    context: str | None, configuration: client.Configuration
) -> str | None:
    """Fill the configuration; return the namespace that the context names.

    Raises:
        ConfigError: There is no kubeconfig, or no such context in it.
    """
    reasons = []
    sources: tuple[Callable[[], str | None], ...] = (
        lambda: _load_file(context, configuration),
        lambda: _load_pod(configuration),
    )
    for load in sources:
        try:
            return load()
        except (config.ConfigException, OSError) as err:
            reasons.append(str(err).rstrip("."))
    message = (
        f"kubeconfig: must name a cluster, got none: {reasons[0]}. Set KUBECONFIG or "
        "cluster.context, or pass --local to run on this machine."
    )
    raise ConfigError(message)


def _load_file(context: str | None, configuration: client.Configuration) -> str | None:
    file = os.environ.get("KUBECONFIG")  # the client looks once, when it is imported
    config.load_kube_config(file, context, client_configuration=configuration)
    contexts, active = config.list_kube_config_contexts(file)
    found = next((known for known in contexts if known["name"] == context), active)
    namespace: str | None = found["context"].get("namespace")
    return namespace


def _load_pod(configuration: client.Configuration) -> str:
    config.load_incluster_config(client_configuration=configuration)
    return Path(SERVICE_TOKEN_FILENAME).with_name("namespace").read_text().strip()
