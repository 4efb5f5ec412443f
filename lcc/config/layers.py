"""Where settings come from, and which source wins.

Defaults < `lcc.yaml` or `--settings` < `LCC_…` < `--set` < named flags. Knows sources
and paths; judges no value.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lcc.config import environment
from lcc.config.document import parse_yaml
from lcc.config.fields import (
    environment_name,
    is_mapping,
    section_paths,
    setting_fields,
    takes_text,
)
from lcc.errors import ConfigError


@dataclass(slots=True, kw_only=True)
class Layers:
    """Values merged so far, who set each, and what could not be read.

    Attributes:
        values: Nested values, as `Settings` takes them.
        origins: Dotted path → how the user set it, e.g. `lcc.yaml`.
        faults: Messages.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def origin_of(self, path: str) -> str | None:
        """Return who set the path, or the nearest path above or below it."""
        words = path.split(".")
        for end in range(len(words), 0, -1):
            if origin := self.origins.get(".".join(words[:end])):
                return origin
        below = [o for p, o in self.origins.items() if p.startswith(f"{path}.")]
        return below[-1] if below else None

    def add_file(self, text: str, *, source: str) -> None:
        """Add a settings file."""
        document = self._parse(text, source=source)
        if document is None:
            return
        if not isinstance(document, dict):
            self.faults.append(
                f"{source}: must hold a mapping of sections, got {document!r}. Write "
                "e.g. `train:` and below it `  epochs: 30`."
            )
            return
        self._merge(document, "", origin=source)

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Add the `LCC_…` variables."""
        paths = {environment_name(path): path for path in setting_fields()}
        for name in sorted(environ):
            if name in paths:
                self.assign(paths[name], environ[name], origin=name)
            elif name.startswith(environment.OWN_PREFIX) and not name.startswith(
                environment.OWN
            ):
                self._suspect(name, paths)

    def add_assignments(self, assignments: Iterable[str]) -> None:
        """Add `--set path=value` options."""
        for assignment in assignments:
            path, separator, text = assignment.partition("=")
            if not separator:
                self.faults.append(
                    f"--set: must be path=value, got {assignment}. "
                    f"Write --set {assignment}=VALUE."
                )
                continue
            self.assign(path.strip(), text, origin=f"--set {path.strip()}")

    def assign(self, path: str, text: str, *, origin: str) -> None:
        """Set one path from text, which is YAML unless the setting is a text."""
        if takes_text(path):
            value = None if text in {"", "null", "~"} else text
        else:
            num_faults = len(self.faults)
            value = self._parse(text, source=origin)
            if len(self.faults) > num_faults:
                return
        self.put(path, value, origin=origin)

    def put(self, path: str, value: object, *, origin: str) -> None:
        """Set one path; one below a mapping, as `search.grid.train.epochs`, adds."""
        words = path.split(".")
        for end in range(1, len(words)):
            parent = ".".join(words[:end])
            if is_mapping(parent):
                keys = [*words[:end], ".".join(words[end:])]
                self._place(keys, value, origin=origin)
                return
        if path in section_paths() and isinstance(value, dict):
            self._merge(value, f"{path}.", origin=origin)
        else:
            self._place(words, _flat(path, value), origin=origin)

    def _merge(self, document: Mapping[Any, Any], prefix: str, *, origin: str) -> None:
        for key, value in document.items():
            path = f"{prefix}{key}"
            if path in section_paths() and isinstance(value, dict):
                self._merge(value, f"{path}.", origin=origin)
            elif path in section_paths() and value is None:
                continue  # a section whose lines are all commented out
            else:
                keys = [*prefix.split(".")[:-1], str(key)]
                self._place(keys, _flat(path, value), origin=origin)

    def _place(self, keys: Sequence[str], value: object, *, origin: str) -> None:
        folder = self.values
        for key in keys[:-1]:
            inner = folder.get(key)
            if not isinstance(inner, dict):
                inner = folder[key] = {}
            folder = inner
        folder[keys[-1]] = value
        self.origins[".".join(keys)] = origin

    def _parse(self, text: str, *, source: str) -> Any:
        try:
            return parse_yaml(text, source=source)
        except ConfigError as err:
            self.faults += err.faults
            return None

    def _suspect(self, name: str, paths: Mapping[str, str]) -> None:
        """Report a variable that looks like a setting; others may share the prefix."""
        near = get_close_matches(name, paths, n=1, cutoff=0.75)
        if near:
            self.faults.append(
                f"{name}: must name a setting, got an unknown one. "
                f"Did you mean {near[0]}?"
            )


def _flat(path: str, value: object) -> object:
    """Return a grid with dotted keys, however deep it was written."""
    if path == "search.grid" and isinstance(value, dict):
        return dict(_dotted(value, ""))
    return value


def _dotted(grid: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for key, inner in grid.items():
        if isinstance(inner, dict):
            yield from _dotted(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def read_settings_file(path: Path) -> str:
    """Return the text of a settings file.

    Raises:
        ConfigError: There is no such file, or it is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        message = f"{path}: must be YAML in UTF-8, got other bytes. Is it the file?"
        raise ConfigError(message) from err
    except OSError as err:
        message = (
            f"{path}: must be a settings file, got {err.strerror}. Check --settings."
        )
        raise ConfigError(message) from err
