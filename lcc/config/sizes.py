"""What sizes of a pod contradict each other: a request above its limit.

Knows Kubernetes quantities; the API server would refuse the Job for it, or a node end
the pod.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from lcc.config.cluster import LightResources, ResourceSettings

UNITS = {
    **{"": Decimal(1), "m": Decimal("0.001")},
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGT", start=1)},
    **{f"{unit}i": Decimal(1024) ** i for i, unit in enumerate("KMGT", start=1)},
}
BOUNDS = (  # what must not exceed what
    ("cpu_request", "cpu_limit"),
    ("scratch_request", "scratch"),
    ("shm", "memory"),
)
SIZE_PATHS = tuple(
    f"cluster.resources.{size}.{name}"
    for size in ResourceSettings.model_fields
    for pair in BOUNDS
    for name in pair
)


def quantity(text: str) -> Decimal:
    """Return a Kubernetes quantity as a number.

    Example:
        >>> quantity("250m"), quantity("2Gi")
        (Decimal('0.250'), Decimal('2147483648'))
    """
    number, unit = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", text).groups()  # type: ignore[union-attr]
    return Decimal(number) * UNITS[unit]


def size_faults(resources: ResourceSettings) -> Iterator[str]:
    """Yield each size that is above the one that bounds it."""
    for size in ResourceSettings.model_fields:
        own: LightResources = getattr(resources, size)
        for name, bound in BOUNDS:
            asked, most = getattr(own, name), getattr(own, bound)
            if quantity(asked) > quantity(most):
                path = f"cluster.resources.{size}"
                yield (
                    f"{path}.{name}: must be at most {bound} ({most}), got {asked}. "
                    f"Lower it, or raise {path}.{bound}."
                )
