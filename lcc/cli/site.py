"""Where a command acts: on a folder of this machine, on a bucket, or in a cluster.

Knows how settings, the chart's ConfigMap and its Secret come together.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcc.cli import options
from lcc.cli.verbosity import configure_logging
from lcc.config.launch import Backend
from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.launch.resolve import DEFAULT_ROOT, resolve_places
from lcc.storage.store import Store
from lcc.storage.uri import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from lcc.backends.kubernetes.client import KubernetesCluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place to act in.

    Attributes:
        settings: In force, with absolute places, as pods or processes know them.
        store: The root, as it is reached from here.
        reach: Returns settings whose addresses work from here.
        cluster: The cluster, None on this machine.
    """

    settings: Settings
    store: Store
    reach: "Callable[[Settings], Settings]"
    cluster: "KubernetesCluster | None"


def load_settings(given: dict[str, Any], **flags: str | None) -> Settings:
    """Return what was typed and set, without what a cluster adds."""
    if given.get("local"):
        flags["launch__backend"] = "local"
    return options.load(given, base=None, **flags)


@contextmanager
def open_site(given: dict[str, Any], **flags: str | None) -> Iterator[Site]:
    """Give the place that a command's options name, reachable until the end of `with`.

    Raises:
        ConfigError: All faults of the settings; no cluster, no chart, no permission.
        UnavailableError: The API server is away.
    """
    configure_logging()
    settings = load_settings(given, **flags)
    with ExitStack() as stack:
        if settings.launch.backend is Backend.LOCAL:
            yield _open_machine(resolve_places(settings))
        else:
            yield _open_cluster(settings, given, flags, stack)


@contextmanager
def look_at_site(given: dict[str, Any]) -> Iterator[Site]:
    """Give the place that a command only looks at: no `--local` is asked for.

    A root that is named, or `./lcc-study`, is looked at as it is, unless a cluster or
    its namespace is named.
    """
    settings = load_settings(given)
    names_cluster = settings.cluster.namespace or settings.cluster.context
    has_root = settings.storage.root or Path(DEFAULT_ROOT).is_dir()
    given["local"] = given.get("local") or bool(has_root and not names_cluster)
    with open_site(given) as site:
        yield site


def _open_machine(settings: Settings) -> Site:
    return Site(
        settings=settings,
        store=open_store(str(settings.storage.root), settings.storage),
        reach=lambda own: own,
        cluster=None,
    )


def _open_cluster(
    settings: Settings,
    given: dict[str, Any],
    flags: dict[str, str | None],
    stack: ExitStack,
) -> Site:
    from lcc.backends.kubernetes.chart import chart_settings, use_secrets
    from lcc.backends.kubernetes.client import KubernetesCluster
    from lcc.backends.kubernetes.port_forward import Reach

    cluster = KubernetesCluster(settings.cluster)
    stack.callback(cluster.close)
    base = chart_settings(cluster, settings.cluster.release)
    if base is not None:
        settings = options.load(given, base=base, **flags)
    settings = resolve_places(settings)
    here = {"cluster.namespace": cluster.namespace}
    settings = changed_settings(settings, here)
    if base is None and settings.storage.endpoint_url is None:
        _check_root(cluster, settings, given)
    use_secrets(cluster, settings.cluster, os.environ)
    reach = Reach(cluster, stack)
    reachable = reach(settings)
    store = open_store(str(reachable.storage.root), reachable.storage)
    return Site(settings=settings, store=store, reach=reach, cluster=cluster)


def _check_root(
    cluster: "KubernetesCluster", settings: Settings, given: dict[str, Any]
) -> None:
    if load_settings(given).storage.root is None:
        message = (
            f"namespace {cluster.namespace}: must hold an installed chart, got none. "
            f"Run helm install lcc charts/lcc -n {cluster.namespace}, or pass another "
            "--namespace, or set storage.root for a bucket of your own."
        )
        raise ConfigError(message)
    if not str(settings.storage.root).startswith("s3://"):
        message = (
            f"storage.root: must be s3://… on a cluster, got {settings.storage.root}. "
            "Pass --local to work in a folder."
        )
        raise ConfigError(message)
