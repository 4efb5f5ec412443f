"""What a shell offers after Tab: runs, settings with their values, class names.

Says nothing but that: a fault, or an answer that takes too long, offers nothing.
"""

import io
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from functools import wraps
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources

Suggest = Callable[[click.Context, str], Iterable[str]]
ShellComplete = Callable[[click.Context, click.Parameter, str], list[str]]

PATIENCE_SECONDS = 3.0  # of somebody who pressed Tab
CLASSES, GRID = "data.classes", "search.grid"


def silent(
    suggest: Suggest, *, patience_seconds: float = PATIENCE_SECONDS
) -> ShellComplete:
    """Return what click asks: what begins as typed, nothing after a fault.

    Args:
        suggest: Finds what may be offered.
        patience_seconds: After which nothing is offered either.
    """

    @wraps(suggest)
    def answer(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        try:
            with (
                ctx.scope(cleanup=False),
                redirect_stderr(io.StringIO()),
                _deadline(patience_seconds),
            ):
                found = list(suggest(ctx, incomplete))
        except Exception:  # the outermost frame: a shell shows no errors
            return []
        return [text for text in found if text.startswith(incomplete)]

    return answer


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raise TimeoutError inside `with` once nobody would wait any longer."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def suggest_folders(
    ctx: click.Context,  # noqa: ARG001 - click's
    param: click.Parameter,  # noqa: ARG001 - click's
    incomplete: str,
) -> list[CompletionItem[str]]:
    """Have the shell offer its own folders."""
    return [CompletionItem(incomplete, type="dir")]


@silent
def suggest_runs(ctx: click.Context, incomplete: str) -> Iterable[str]:  # noqa: ARG001 - click's
    """Return the runs of the root or cluster that the options name, newest first."""
    from lcc.cli.context import find_backend
    from lcc.launch.state import run_ids

    with find_backend(_sources(ctx)) as backend:
        return sorted(run_ids(backend.store), key=_moment, reverse=True)


def _moment(run_id: str) -> str:
    """Return date and minute of a run: what follows its stage."""
    return run_id.partition("-")[2]


@silent
def suggest_settings(ctx: click.Context, incomplete: str) -> Iterable[str]:
    """Return settings, a section at a time, and behind `=` the words one takes."""
    from lcc.config.fields import setting_fields, words_of
    from lcc.config.rules import SEARCHABLE

    path, is_value, _ = incomplete.partition("=")
    if is_value:
        return [f"{path}={word}" for word in words_of(path)]
    paths = list(setting_fields())
    if incomplete.startswith(f"{GRID}."):
        paths = [f"{GRID}.{path}" for path in paths if path.startswith(SEARCHABLE)]
    if incomplete.startswith(f"{CLASSES}."):
        paths = [f"{CLASSES}.{name}" for name in _class_names(ctx)]
    return _next_words(paths, incomplete)


def _next_words(paths: Iterable[str], typed: str) -> list[str]:
    """Return the paths up to the next dot, as a shell offers folders.

    Example:
        >>> _next_words(["data.name", "data.families.seed"], "data.")
        ['data.name=', 'data.families.']
    """
    found = (path for path in paths if path.startswith(typed))
    ends = ((path, path.find(".", len(typed)) + 1) for path in found)
    return list(dict.fromkeys(path[:end] if end else f"{path}=" for path, end in ends))


def _class_names(ctx: click.Context) -> list[str]:
    """Return the classes of every prepared data set of the root."""
    import json

    from lcc.cli.context import find_backend
    from lcc.storage import layout
    from lcc.storage.pointers import dataset_names, read_latest

    names: set[str] = set()
    with find_backend(_sources(ctx)) as backend:
        for dataset in dataset_names(backend.store):
            key = layout.audit(dataset, read_latest(backend.store, dataset))
            names |= set(json.loads(backend.store.read(key))["classes"])
    return sorted(names)


def _sources(ctx: click.Context) -> "SettingsSources":
    """Return the settings that the options typed so far name."""
    from lcc.cli.context import make_sources

    given = ctx.params
    return make_sources(
        file=given.get("file"),
        overrides=given.get("overrides") or (),
        is_local=given.get("local", False),
        flags={n.replace("__", "."): given[n] for n in given if "__" in n},
    )
