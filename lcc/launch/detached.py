"""A driver inside the cluster: one small Job, whose account may create Jobs."""

from lcc.config.settings import Settings
from lcc.launch.cluster import Cluster
from lcc.launch.labels import DRIVER, select
from lcc.launch.manifests import build_manifests, order_job
from lcc.launch.plan import Step


def start_driver(cluster: Cluster, settings: Settings, run_id: str) -> str:
    """Create the Job that drives a run; return its name.

    A run that had a driver before gets a new one.
    """
    pages = cluster.pages("Job", select(run=run_id, step=DRIVER))
    attempt = 1 + sum(len(page.items) for page in pages)
    order = order_job(Step(name=DRIVER), settings, run_id=run_id, attempt=attempt)
    for manifest in build_manifests(order):
        cluster.create(manifest)
    return order.name
