"""The processes of one training: who they are, and which of them is the chief. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from lcc.config import environment
from lcc.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Who trains together.

    Attributes:
        addresses: `host:port` of each process, in the order of their indexes.
        index: Which of them this process is.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Return whether this process alone saves and reports."""
        return self.index == 0

    @property
    def hosts(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each process."""
        pairs = [address.rpartition(":") for address in self.addresses]
        return tuple((host, int(port)) for host, _, port in pairs)


def read_peers(
    environ: Mapping[str, str], *, index: int, num_indexes: int
) -> Peers | None:
    """Return the peers of this process, None where it trains alone.

    Args:
        environ: Holds `LCC_WORKERS`, comma-separated `host:port`.
        index: Which of them this process is.
        num_indexes: How many there are.

    Raises:
        ConfigError: `LCC_WORKERS` does not name that many addresses.

    Example:
        >>> read_peers({"LCC_WORKERS": "a:1,b:1"}, index=1, num_indexes=2).is_chief
        False
    """
    if num_indexes == 1:
        return None
    text = environ.get(environment.WORKERS, "")
    addresses = tuple(part.strip() for part in text.split(",") if part.strip())
    faults = [
        f"{environment.WORKERS}: must be host:port of each process, got {address!r}. "
        "Separate them by commas."
        for address in addresses
        if not _is_address(address)
    ]
    if len(addresses) != num_indexes or len(set(addresses)) != num_indexes:
        faults.append(
            f"{environment.WORKERS}: must name {num_indexes} different processes, got "
            f"{text or 'none'}. Set it to host:port of each, in the order of --index."
        )
    if not 0 <= index < num_indexes:
        faults.append(
            f"--index: must be below --num-indexes ({num_indexes}), got {index}. "
            "Count from 0."
        )
    if faults:
        raise ConfigError(*faults)
    return Peers(addresses=addresses, index=index)


def tf_config(peers: Peers) -> str:
    """Return the value of `TF_CONFIG` that tells TensorFlow of the peers.

    Source: https://www.tensorflow.org/guide/distributed_training#TF_CONFIG

    Example:
        >>> tf_config(Peers(addresses=("a:1", "b:1"), index=1))[:40]
        '{"cluster": {"worker": ["a:1", "b:1"]}, '
    """
    return json.dumps(
        {
            "cluster": {"worker": list(peers.addresses)},
            "task": {"type": "worker", "index": peers.index},
        }
    )


def _is_address(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 1 << 16
