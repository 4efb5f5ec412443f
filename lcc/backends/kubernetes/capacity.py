"""What the nodes have for one pod of a step, and whether any could ever hold it.

Knows what a node gives (`allocatable`), and what stays there whoever leaves; not what
is free at the moment: pods of other runs end.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from lcc.backends.kubernetes.interface import Cluster, Object
from lcc.backends.kubernetes.labels import PART_OF
from lcc.backends.kubernetes.resources import SIZES, requested
from lcc.config.settings import Settings
from lcc.errors import LccError
from lcc.launch.plan import Step

PAGE = 500
# Pods of every namespace are looked at where that takes a few requests.
MOST_NODES_WITH_PODS = 20
SERVERS = f"app.kubernetes.io/part-of={PART_OF},app.kubernetes.io/managed-by=Helm"
NODE_OWNERS = {"DaemonSet", "Node"}  # these come with the node
RESOURCE_SETTINGS = {
    "cpu": "cluster.resources.{size}.cpu_request",
    "memory": "cluster.resources.{size}.memory",
    "ephemeral-storage": "cluster.resources.{size}.scratch_request",
}
GROW = "or set cluster.wait_for_nodes where nodes are added on demand."


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRoom:
    """What one node has for pods of runs.

    Attributes:
        name: Of the node.
        labels: For node selectors.
        allocatable: Resource → quantity, as the node says it.
        held: Resource → what pods that stay have asked for.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    allocatable: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, Decimal] = field(default_factory=dict)

    def room(self, resource: str) -> Decimal:
        """Return what a pod may ask for once all that can leave has left."""
        return _number(self.allocatable.get(resource, "0")) - self.held_of(resource)

    def held_of(self, resource: str) -> Decimal:
        """Return what stays taken."""
        return self.held.get(resource, Decimal(0))


def node_rooms(cluster: Cluster) -> list[NodeRoom]:
    """Return the nodes' rooms; none where this account may not list nodes."""
    try:
        nodes = list(_items(cluster, "api/v1/nodes"))
    except LccError:
        return []
    held: dict[str, Counter[str]] = {}
    for pod in _staying_pods(cluster, len(nodes)):
        own = held.setdefault(pod["spec"].get("nodeName", ""), Counter())
        for resource, quantity in _requests(pod):
            own[resource] += quantity  # type: ignore[assignment]
    return [_node_room(node, held) for node in nodes]


def _node_room(node: Object, held: Mapping[str, Mapping[str, object]]) -> NodeRoom:
    name = node["metadata"]["name"]
    return NodeRoom(
        name=name,
        labels=node["metadata"].get("labels", {}),
        allocatable=node["status"]["allocatable"],
        held={key: Decimal(str(value)) for key, value in held.get(name, {}).items()},
    )


def _items(cluster: Cluster, path: str) -> Iterator[Object]:
    """Yield all objects at a path of the API, a page at a time."""
    token = ""
    while True:
        answer = cluster.get(f"{path}?limit={PAGE}&continue={token}")
        yield from answer["items"]
        token = answer.get("metadata", {}).get("continue", "")
        if not token:
            return


def _staying_pods(cluster: Cluster, num_nodes: int) -> Iterator[Object]:
    """Yield pods that no run's end moves away: servers here, what comes with a node."""
    try:
        pages = cluster.pages("Pod", SERVERS)
        yield from (pod for page in pages for pod in page.items if _owner(pod) != "Job")
        if num_nodes <= MOST_NODES_WITH_PODS:
            everywhere = _items(cluster, "api/v1/pods")
            yield from (pod for pod in everywhere if _owner(pod) in NODE_OWNERS)
    except LccError:  # an account that sees one namespace
        return


def _owner(pod: Object) -> str:
    owners = pod["metadata"].get("ownerReferences", [])
    return str(owners[0]["kind"]) if owners else ""


def _requests(pod: Object) -> Iterator[tuple[str, Decimal]]:
    for container in pod["spec"].get("containers", ()):
        asked = container.get("resources", {}).get("requests", {})
        for resource, quantity in asked.items():
            yield resource, _number(quantity)


def _number(quantity: object) -> Decimal:
    from kubernetes.utils.quantity import parse_quantity

    return Decimal(parse_quantity(str(quantity)))


def never_fits(step: Step, settings: Settings, rooms: Sequence[NodeRoom]) -> str:
    """Return what of a pod no node has, and what to do; empty where one could hold it.

    Args:
        step: The step.
        settings: Sizes of pods, the GPUs asked for, labels that a node must have.
        rooms: What the nodes have; none known: nothing can be said.

    Example:
        >>> rooms = [NodeRoom(name="a", allocatable={"cpu": "2"})]
        >>> never_fits(Step(name="list"), Settings(), rooms)[:59]
        'cluster.resources.light.memory: must fit on one node, got 2'
    """
    if not rooms or settings.cluster.wait_for_nodes:
        return ""
    selected = [room for room in rooms if _is_selected(room, settings)]
    if not selected:
        wanted = settings.cluster.node_selector
        shown = ", ".join(f"{key}={value}" for key, value in wanted.items())
        return (
            f"cluster.node_selector: must be labels of a node, got {shown} and none of "
            f"{len(rooms)} that has them. Change it, {GROW}"
        )
    asked = requested(step, settings)
    if any(_holds(room, asked) for room in selected):
        return ""
    resource = _scarcest(selected, asked)
    return _too_large(step, resource, asked[resource], selected)


def _is_selected(room: NodeRoom, settings: Settings) -> bool:
    wanted = settings.cluster.node_selector.items()
    return all(room.labels.get(key) == value for key, value in wanted)


def _holds(room: NodeRoom, asked: Mapping[str, str]) -> bool:
    return all(room.room(name) >= _number(amount) for name, amount in asked.items())


def _scarcest(rooms: Iterable[NodeRoom], asked: Mapping[str, str]) -> str:
    """Return the resource that the fewest nodes have enough of."""
    known = list(rooms)
    return min(
        asked,
        key=lambda name: sum(room.room(name) >= _number(asked[name]) for room in known),
    )


def _too_large(
    step: Step, resource: str, quantity: str, rooms: Sequence[NodeRoom]
) -> str:
    largest = max(rooms, key=lambda room: room.room(resource))
    path = RESOURCE_SETTINGS.get(resource, "launch.gpus")
    setting = path.format(size=SIZES.get(step.name, "train"))
    held = largest.held_of(resource)
    taken = f", where servers and node agents hold {_shown(held)}" if held else ""
    return (
        f"{setting}: must fit on one node, got {quantity} {resource} of "
        f"{largest.allocatable.get(resource, '0')} on {largest.name}{taken}, the "
        f"largest of {len(rooms)}. Lower it, {GROW}"
    )


def _shown(number: Decimal) -> str:
    """Return a quantity as people write it.

    Example:
        >>> _shown(Decimal("0.3")), _shown(Decimal(2**31))
        ('300m', '2Gi')
    """
    for unit, size in (("Gi", 2**30), ("Mi", 2**20)):
        if number >= size:
            return f"{number / size:.4g}{unit}"
    return f"{number * 1000:.0f}m" if number % 1 else f"{number:.0f}"
