"""Which back end runs a step: processes of this machine, or Jobs of a cluster."""

from lcc.config.settings import Settings
from lcc.launch.cluster import Cluster
from lcc.launch.driver import Backend
from lcc.launch.local import LocalBackend
from lcc.launch.remote import KubernetesBackend
from lcc.launch.stopping import StopRequest
from lcc.storage.store import Store


def open_backend(
    settings: Settings, *, store: Store, cluster: Cluster | None, stop: StopRequest
) -> Backend:
    """Return the back end of a run: its cluster where there is one."""
    if cluster is None:
        return LocalBackend(store=store, settings=settings, stop=stop)
    return KubernetesBackend(cluster=cluster, settings=settings, stop=stop)
