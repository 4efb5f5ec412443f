"""Merges files, environment and flags into one `Settings`, or names every fault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from lcc.config.document import to_yaml
from lcc.config.faults import faults_by_path
from lcc.config.layers import Layers, read_settings_file
from lcc.config.rules import contradictions
from lcc.config.settings import Settings
from lcc.errors import ConfigError

DEFAULT_FILE = "lcc.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsSources:
    """Where settings come from: defaults < base < file < variables < `--set` < flags.

    Attributes:
        base: (text, source) of settings that a chart brought.
        file: Settings file; by default `lcc.yaml` of the working folder, if there.
        variables: The environment; only `LCC_…` matter.
        overrides: Texts of `--set`, each `path=value` with the value in YAML.
        flags: Dotted path → text of a named flag.
    """

    base: tuple[str, str] | None = None
    file: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    overrides: Sequence[str] = ()
    flags: Mapping[str, str] = field(default_factory=dict)

    def with_base(self, text: str, source: str) -> Self:
        """Return the sources with settings below all that the user gave."""
        return replace(self, base=(text, source))

    def with_flags(self, **flags: str | None) -> Self:
        """Return the sources with further flags, `__` for the dot; None: not given."""
        given = {
            n.replace("__", "."): text for n, text in flags.items() if text is not None
        }
        return replace(self, flags={**self.flags, **given})

    def load(self) -> Settings:
        """Return the settings in force.

        Raises:
            ConfigError: Lists every fault of every source.
        """
        layers = Layers()
        if self.base is not None:
            text, source = self.base
            layers.add_file(text, source=source)
        file = self.file
        if file is None and Path(DEFAULT_FILE).is_file():
            file = Path(DEFAULT_FILE)
        if file is not None:
            layers.add_file(read_settings_file(file), source=str(file))
        layers.add_environment(self.variables)
        layers.add_assignments(self.overrides)
        for path, text in self.flags.items():
            flag = path.rpartition(".")[2].replace("_", "-")
            layers.assign(path, text, origin=f"--{flag}")
        return _validate(layers)


def parse_settings(text: str, *, source: str) -> Settings:
    """Return the settings of one document, as a run stores them.

    Args:
        text: YAML.
        source: Name of the document in messages.

    Raises:
        ConfigError: Lists every fault.
    """
    layers = Layers()
    layers.add_file(text, source=source)
    return _validate(layers)


def dump_settings(settings: Settings) -> str:
    """Return the settings as YAML that `parse_settings` reads back.

    Example:
        >>> parse_settings(dump_settings(Settings()), source="example") == Settings()
        True
    """
    return to_yaml(settings.model_dump(mode="json"))


def dump_changes(settings: Settings) -> str:
    r"""Return what differs from the defaults, as YAML that `parse_settings` reads back.

    Example:
        >>> dump_changes(
        ...     parse_settings("train: {epochs: 3, seed: 0}", source="example")
        ... )
        'train: {epochs: 3}\n'
    """
    return to_yaml(settings.model_dump(mode="json", exclude_defaults=True))


def changed_settings(settings: Settings, changes: Mapping[str, object]) -> Settings:
    """Return settings with some dotted paths replaced, judged anew.

    Raises:
        ConfigError: A new value does not fit.

    Example:
        >>> changed_settings(Settings(), {"train.epochs": 3}).train.epochs
        3
    """
    layers = Layers(values=settings.model_dump(mode="json"))
    for path, value in changes.items():
        layers.put(path, value, origin="the launcher")
    return _validate(layers)


def _validate(layers: Layers) -> Settings:
    faults = list(layers.faults)
    wrong: list[str] = []
    while True:
        try:
            settings = Settings.model_validate(layers.values)
            break
        except ValidationError as err:
            found = faults_by_path(err, layers)
            faults += [message for _, message in found]
            wrong += [path for path, _ in found]
            before = repr(layers.values)
            for path, _ in found:
                _drop(layers.values, path)
            if repr(layers.values) == before:  # nothing to drop: look no further
                layers.values.clear()
    faults += contradictions(settings, wrong=frozenset(wrong), layers=layers)
    if faults:
        raise ConfigError(*faults)
    return settings


def _drop(values: dict[str, object], path: str) -> None:
    """Remove a wrong value, so that what else is wrong can be found."""
    head, _, rest = path.partition(".")
    inner = values.get(head)
    if rest and isinstance(inner, dict) and rest not in inner:
        _drop(inner, rest)
    elif rest and isinstance(inner, dict):
        del inner[rest]
    else:
        values.pop(head, None)
