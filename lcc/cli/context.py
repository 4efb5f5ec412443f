"""The settings that a command was given, and the back end that they name.

Knows which of them a user means; not what is done there.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lcc.backends import backend_class
from lcc.cli.verbosity import configure_logging
from lcc.config.commands import here, named_place, working_at
from lcc.config.launch import BackendName
from lcc.config.load import SettingsSources, changed_settings
from lcc.config.settings import Settings
from lcc.errors import NotFoundError
from lcc.launch.backend import Backend
from lcc.launch.resolve import LOCAL_ROOT
from lcc.launch.state import read_states
from lcc.storage.uri import shown_uri


def make_sources(
    *,
    file: Path | None,
    overrides: tuple[str, ...],
    is_local: bool,
    flags: Mapping[str, str | None],
) -> SettingsSources:
    """Return where a command's settings come from, its options and the environment."""
    given = {path: text for path, text in flags.items() if text is not None}
    if is_local:
        given["launch.backend"] = "local"
    return SettingsSources(
        file=file, variables=dict(os.environ), overrides=overrides, flags=given
    )


@contextmanager
def working_as_given(sources: SettingsSources) -> Iterator[None]:
    """Have the commands that texts name lead where the options of this one lead."""
    place = named_place(
        sources.flags, settings=sources.file, overrides=tuple(sources.overrides)
    )
    with working_at(place):
        yield


@contextmanager
def _opened(sources: SettingsSources, settings: Settings) -> Iterator[Backend]:
    with backend_class(settings.launch.backend).open(sources, settings) as backend:
        root = shown_uri(str(backend.settings.storage.root))
        with working_at(here().narrowed(backend.settings, root=root)):
            yield backend


@contextmanager
def open_backend(sources: SettingsSources) -> Iterator[Backend]:
    """Give the back end that a launch names, until the end of `with`.

    Raises:
        ConfigError: All faults of the settings; no cluster, no chart, no permission.
        UnavailableError: The API server is away.
    """
    configure_logging()
    with _opened(sources, sources.load()) as backend:
        yield backend


@contextmanager
def find_backend(sources: SettingsSources) -> Iterator[Backend]:
    """Give the back end of runs that exist: no `--local` is asked for.

    A root that is named, or `./lcc-study`, is looked at as it is, unless a cluster or
    its namespace is named.
    """
    settings = find_settings(sources)
    with _opened(sources, settings) as backend:
        yield backend


def find_settings(sources: SettingsSources) -> Settings:
    """Return settings whose back end is the one of runs that exist."""
    configure_logging()
    settings = sources.load()
    if not _means_this_machine(settings):
        return settings
    # Of several pods is asked only where something is launched.
    here = {"launch.backend": str(BackendName.LOCAL), "launch.pods": 1}
    return changed_settings(settings, here)


def _means_this_machine(settings: Settings) -> bool:
    names_cluster = settings.cluster.namespace or settings.cluster.context
    has_root = settings.storage.root or Path(LOCAL_ROOT).is_dir()
    return bool(has_root and not names_cluster)


def latest_run(backend: Backend, run_id: str | None) -> str:
    """Return the run that is named, or the latest that belongs to no other.

    Raises:
        NotFoundError: There is no run at all.
    """
    if run_id is not None:
        return run_id
    states = [state for state in read_states(backend.store) if state.pipeline is None]
    if not states:
        message = (
            f"{shown_uri(backend.store.uri)}: must hold a run, got none. Start one, or "
            "check --root."
        )
        raise NotFoundError(message)
    return states[-1].run_id
