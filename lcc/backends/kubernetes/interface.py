"""What the launcher needs of a cluster; objects are plain dicts.

Only the contract: `client` fulfils it over HTTP, tests with a cluster in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Object = dict[str, Any]


class GoneError(Exception):
    """The resource version is too old to watch from (410): list again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list.

    Attributes:
        items: Some hundred objects at most.
        resource_version: Of all pages; a watch goes on from it.
    """

    items: list[Object]
    resource_version: str


class Cluster(Protocol):
    """What the launcher needs of a cluster; all in one namespace.

    Each call raises `ConfigError` for what the user can mend (no permission, no such
    namespace, refused object) and `UnavailableError` where the API server is away.
    """

    namespace: str

    @property
    def host(self) -> str:
        """URL of the API server."""

    def create(self, manifest: Object, *, dry_run: bool = False) -> Object | None:
        """Create an object; None where one of this name exists already."""

    def read(self, kind: str, name: str) -> Object | None:
        """Return an object, None where there is none."""

    def get(self, path: str) -> Object:
        """Return what lies at a path of the API, e.g. `version`."""

    def post(self, path: str, body: Object) -> Object:
        """Return the answer to a review, which creates nothing."""

    def pages(self, kind: str, selector: str = "", fields: str = "") -> Iterator[Page]:
        """Yield all objects that fit, a page at a time."""

    def watch(
        self, kind: str, selector: str, *, resource_version: str, seconds: int
    ) -> Iterator[tuple[str, Object]]:
        """Yield (type, object) of each change until the time is over."""

    def patch(self, kind: str, name: str, changes: Object) -> None:
        """Change some fields of an object; nothing where there is none."""

    def delete(self, kind: str, name: str) -> None:
        """Delete an object and what belongs to it; nothing where there is none."""

    def read_log(self, pod: str, *, follow: bool, since: str | None) -> Iterator[str]:
        """Yield the lines of a pod's log, time in front; none where it is gone."""

    def connect(self, pod: str, port: int) -> Any:
        """Return a tunnel to a port of a pod, for `websocket.pump`."""
