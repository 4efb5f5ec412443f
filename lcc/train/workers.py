"""The processes of one training: their addresses, their order and the chief. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from lcc.config import environment
from lcc.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """The processes that train one model together, as one of them sees them.

    Attributes:
        addresses: `host:port` of each worker, in the order of their indexes.
        index: Which of them this process is.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this process is worker 0, which alone saves and reports."""
        return self.index == 0

    @property
    def hosts(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each worker."""
        pairs = [address.rpartition(":") for address in self.addresses]
        return tuple((host, int(port)) for host, _, port in pairs)


def read_workers(
    environ: Mapping[str, str], *, process_index: int, num_processes: int
) -> Workers | None:
    """Return the workers of this training, None where this process trains alone.

    Args:
        environ: Holds `LCC_WORKERS`, comma-separated `host:port`.
        process_index: Which worker this process is, from 0.
        num_processes: How many workers there are.

    Raises:
        ConfigError: `LCC_WORKERS` does not name that many addresses.

    Example:
        >>> environ = {"LCC_WORKERS": "a:1,b:1"}
        >>> read_workers(environ, process_index=1, num_processes=2).is_chief
        False
    """
    if num_processes == 1:
        return None
    text = environ.get(environment.WORKERS, "")
    addresses = tuple(part.strip() for part in text.split(",") if part.strip())
    faults = [
        f"{environment.WORKERS}: must be host:port of each process, got {address!r}. "
        "Separate them by commas."
        for address in addresses
        if not _is_address(address)
    ]
    if len(addresses) != num_processes or len(set(addresses)) != num_processes:
        faults.append(
            f"{environment.WORKERS}: must name {num_processes} different processes, "
            f"got {text or 'none'}. Set it to host:port of each, in the order of "
            "--process-index."
        )
    if not 0 <= process_index < num_processes:
        faults.append(
            f"--process-index: must be below --num-processes ({num_processes}), got "
            f"{process_index}. Count from 0."
        )
    if faults:
        raise ConfigError(*faults)
    return Workers(addresses=addresses, index=process_index)


def tf_config(workers: Workers) -> str:
    """Return the value of `TF_CONFIG`, from which TensorFlow knows the workers.

    Source: https://www.tensorflow.org/guide/distributed_training#TF_CONFIG

    Example:
        >>> tf_config(Workers(addresses=("a:1", "b:1"), index=1))[:40]
        '{"cluster": {"worker": ["a:1", "b:1"]}, '
    """
    return json.dumps(
        {
            "cluster": {"worker": list(workers.addresses)},
            "task": {"type": "worker", "index": workers.index},
        }
    )


def _is_address(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 1 << 16
