"""Spells the commands that texts name, so that each can be pasted as it stands.

Knows which options lead a later command to the same runs: the outermost frame of a
process says once where it works (`working_at`), and whoever names a command only names
it (`command_line`). A command is the last thing on its line.
"""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lcc.config.settings import Settings

PROGRAM = "lcc-launch"
LOCAL = "local"  # a `BackendName`: this file loads no settings
LAUNCHES = {"prepare", "pipeline", "search", "train", "evaluate", "predict"}
PLACELESS = {"sample", "audit", "schema", "completion"}
# Of what was given by `--set`, what says where things are: the rest is of one launch.
PLACES = (
    "cluster.context",
    "cluster.namespace",
    "cluster.release",
    "launch.backend",
    "storage.",
)
TRACKING = "tracking."


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a command works, as the options that say so.

    Attributes:
        is_local: Whether on this machine.
        must_say_local: Whether settings name a cluster too, so that each command has
            to say which is meant.
        namespace: Of the cluster.
        root: Path or URI of the root; none where a command finds it by itself.
        settings: File that was named.
        overrides: Texts of `--set`.
    """

    is_local: bool = False
    must_say_local: bool = False
    namespace: str | None = None
    root: str | None = None
    settings: Path | None = None
    overrides: tuple[str, ...] = ()

    def options(self, name: str) -> list[str]:
        """Return the options that lead a command here."""
        if name in PLACELESS:
            return []
        says_local = self.is_local and (name in LAUNCHES or self.must_say_local)
        return [
            *(["--local"] if says_local else []),
            *(["-n", self.namespace] if self.namespace else []),
            *(["--root", self.root] if self.root else []),
            *(["--settings", str(self.settings)] if self.settings else []),
            *(w for text in self._overrides(name) for w in ("--set", text)),
        ]

    def _overrides(self, name: str) -> Iterator[str]:
        """Yield those that a command takes: a run keeps its own tracking server."""
        for text in self.overrides:
            if name != "resume" or leads_to_place(text):
                yield text

    def narrowed(self, settings: "Settings", *, root: str) -> "Place":
        """Return the place as it is once the settings are complete.

        Args:
            settings: In force.
            root: Path or URI of the root, as it is shown.
        """
        if settings.launch.backend == LOCAL:
            own = settings.cluster
            names_cluster = bool(own.namespace or own.context)
            return replace(self, is_local=True, must_say_local=names_cluster, root=root)
        return replace(self, namespace=settings.cluster.namespace)


def leads_to_place(override: str) -> bool:
    """Return whether a text of `--set` says where runs are, not what they do.

    Example:
        >>> leads_to_place("cluster.context=lab"), leads_to_place("train.epochs=3")
        (True, False)
    """
    return override.startswith(PLACES)


def named_place(
    flags: Mapping[str, str], *, settings: Path | None, overrides: tuple[str, ...]
) -> Place:
    """Return the place that the options of a command name.

    Args:
        flags: Dotted path → text.
        settings: File that was named.
        overrides: Texts of `--set`.

    Example:
        >>> given = {"cluster.namespace": "lab", "train.epochs": "3"}
        >>> place = named_place(given, settings=None, overrides=("train.seed=3",))
        >>> place.options("status")
        ['-n', 'lab']
    """
    return Place(
        is_local=flags.get("launch.backend") == LOCAL,
        namespace=flags.get("cluster.namespace"),
        root=flags.get("storage.root"),
        settings=settings,
        overrides=tuple(
            text for text in overrides if text.startswith((*PLACES, TRACKING))
        ),
    )


class _Here:
    """Where this process works; threads of it work there, too."""

    place = Place()


@contextmanager
def working_at(place: Place) -> Iterator[None]:
    """Have every command that is spelled inside `with` lead to a place."""
    before, _Here.place = _Here.place, place
    try:
        yield
    finally:
        _Here.place = before


def command_line(name: str, *words: str) -> str:
    """Return a command to paste.

    Args:
        name: Of the command.
        words: Its own arguments and options; a word in capitals is to be filled in.

    Example:
        >>> with working_at(Place(namespace="lab", settings=Path("my lab.yaml"))):
        ...     command_line("status", "train-1")
        "lcc-launch status train-1 -n lab --settings 'my lab.yaml'"
    """
    return shlex.join([PROGRAM, name, *words, *_Here.place.options(name)])


def here() -> Place:
    """Return where this process works."""
    return _Here.place
