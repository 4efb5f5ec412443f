"""Where steps run: one folder per back end, none of which knows another."""

from typing import TYPE_CHECKING

from lcc.config.settings import Settings
from lcc.launch.driver import Backend
from lcc.launch.signals import StopRequest
from lcc.storage.store import Store

if TYPE_CHECKING:
    from lcc.backends.kubernetes.interface import Cluster


def open_backend(
    settings: Settings, *, store: Store, cluster: "Cluster | None", stop: StopRequest
) -> Backend:
    """Return the back end of a run: its cluster where there is one."""
    from lcc.backends.kubernetes.backend import KubernetesBackend
    from lcc.backends.local.backend import LocalBackend

    if cluster is None:
        return LocalBackend(store=store, settings=settings, stop=stop)
    return KubernetesBackend(cluster=cluster, settings=settings, stop=stop)
