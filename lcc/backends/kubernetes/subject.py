"""What `check` looks at: a cluster, the settings in force, and what the chart made.

Knows how a finding is made of an error; what is looked for is said elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lcc.backends.kubernetes.interface import Cluster
from lcc.backends.kubernetes.port_forward import service_of
from lcc.backends.kubernetes.server_pods import ServerPod
from lcc.config.settings import Settings
from lcc.errors import LccError
from lcc.launch.backend import Finding

Reach = Callable[[Settings], Settings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at.

    Attributes:
        cluster: The cluster.
        settings: In force, with the chart's where there is one.
        chart: Its ConfigMap's name; none where nothing is installed.
        pods: Of the chart.
        reach: Returns settings whose addresses work from here.
    """

    cluster: Cluster
    settings: Settings
    chart: str | None
    pods: tuple[ServerPod, ...]
    reach: Reach

    @property
    def namespace(self) -> str:
        """Where."""
        return self.cluster.namespace

    def is_up(self, component: str, url: str | None) -> bool:
        """Return whether a server of the chart is ready, or is somebody else's.

        Args:
            component: s3 or mlflow.
            url: Its address, as pods know it.
        """
        service, _ = service_of(url or "") or ("", 0)
        own = [pod for pod in self.pods if pod.component == component]
        if not own:
            return not service.endswith(f"-{component}")  # as the chart names its own
        return any(not pod.trouble for pod in own)


def fault(name: str, err: LccError) -> Finding:
    """Return the finding that an error stands for: what is wrong, then the remedy."""
    text, _, remedy = str(err).partition(". ")
    return Finding(name=name, text=text, remedy=remedy, is_fault=True)
