"""Runs a stage, or goes on with a run, as a command's options say.

Knows the order of things: checks, inputs, run, summary; each is done elsewhere.
"""

import shlex
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lcc.backends import backend_class
from lcc.cli.context import find_backend, open_backend
from lcc.cli.options import Launch, LaunchMode
from lcc.cli.verbosity import configure_logging, level
from lcc.config.commands import command_line, leads_to_place
from lcc.config.launch import BackendName
from lcc.config.load import SettingsSources
from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.launch.backend import Backend
from lcc.launch.plan import Stage, build_plan, reads_source, source_of
from lcc.storage.uri import shown_uri

if TYPE_CHECKING:
    from lcc.launch.driver import RunContext
    from lcc.launch.state import RunState


# Stages whose command begins with what they read.
BY_SOURCE = {Stage.PREPARE, Stage.PIPELINE, Stage.PREDICT}


def launch_stage(stage: Stage, sources: SettingsSources, how: Launch) -> None:
    """Run a stage, or print what would run."""
    mode = how.mode
    if mode is LaunchMode.DRY_RUN_CLIENT:
        configure_logging()
        backend_name = sources.load().launch.backend
        text = backend_class(backend_name).render(stage, sources, values=how.values)
        click.echo(text, nl=False)
        return
    with open_backend(sources) as backend:
        match mode:
            case LaunchMode.DRY_RUN_SERVER:
                _inputs(stage, backend)
                for line in backend.rehearse(stage):
                    click.echo(line)
            case LaunchMode.DETACH:
                _detach(stage, backend)
            case LaunchMode.RUN:
                _run(stage, backend, output=how.output)


def resume_run(run_id: str, sources: SettingsSources, *, detach: bool) -> None:
    """Go on with a run, and print its summary like a new one's."""
    from lcc.launch.pipeline import resume
    from lcc.launch.state import RunStatus, read_run_settings, read_state

    with find_backend(sources) as backend:
        state = read_state(backend.store, run_id)
        is_done = state.status is RunStatus.DONE
        if not is_done:
            _check_undriven(backend, state)
        settings = read_run_settings(backend.store, run_id)
        _check_overrides(state, settings, sources)
        if is_done:
            click.echo(f"{run_id}: is done already.", err=True)
        if detach and not is_done:
            _check_detachable(backend)
            hand_over(backend, run_id, settings)
            return
        with _run_context(backend) as context:
            state = resume(context, run_id)
        _print_summary(backend, state, settings)


def _check_overrides(
    state: "RunState", settings: Settings, sources: SettingsSources
) -> None:
    """Refuse settings that would be ignored: a run keeps those it was made with.

    Raises:
        ConfigError: Names what was given, and the command that takes it.
    """
    stage = Stage(state.stage)
    ignored = [text for text in sources.overrides if not leads_to_place(text)]
    if ignored:
        given = [word for text in ignored for word in ("--set", text)]
        name, is_read = settings.data.name, stage in BY_SOURCE
        _, source = source_of(stage, settings) or ("", None)
        words = [shown_uri(str(source))] if is_read else []
        words += ["--name", name] if name and stage is not Stage.PREDICT else []
        message = (
            f"run {state.run_id}: must go on with the settings it was made with, got "
            f"{shlex.join(given)}. For a new run with them: "
            f"{command_line(state.stage, *words, *given)}"
        )
        raise ConfigError(message)


def _check_undriven(backend: Backend, state: "RunState") -> None:
    """Refuse to drive a run that somebody drives: two would do everything twice."""
    from lcc.launch.state import RunStatus

    driver = ""
    if state.status is RunStatus.RUNNING:
        driver = f"process {state.driver.pid} on {state.driver.host}"
    elif backend.has_driver(state.run_id):
        driver = "a driver in the cluster"
    if driver:
        message = (
            f"run {state.run_id}: must not be running, got {driver}. Stop it first: "
            f"{command_line('cancel', state.run_id)}"
        )
        raise ConfigError(message)


def _check_detachable(backend: Backend) -> None:
    if not backend.can_detach:
        message = "--detach: needs a cluster, got --local. Leave out one of them."
        raise ConfigError(message)


def _run(stage: Stage, backend: Backend, *, output: Path | None) -> None:
    from lcc.cli.bringing import bring_home
    from lcc.launch.messages import StepFailed, summarize_launch
    from lcc.launch.pipeline import start

    classes, num_images = _preview_classes(stage, backend)
    settings = _inputs(stage, backend, num_images=num_images)
    with _run_context(backend) as context:
        for line in (*classes, *_tracking_notes(backend, settings)):
            context.display.say(f"  {line}")
        context.display.say(summarize_launch(stage, settings, backend))
        _settle_others(backend)
        try:
            state = start(context, stage, settings)
        except StepFailed as err:  # too many images without an answer: the rest is done
            bring_home(backend.store, err.run_id, output)
            raise
    bring_home(backend.store, state.run_id, output)
    _print_summary(backend, state, settings)
    if output is not None:
        click.echo(output)


def _settle_others(backend: Backend) -> None:
    """Record what became of earlier runs whose launcher was killed."""
    from functools import partial

    from lcc.launch.mlflow_sync import settle_all, tracking_server

    states = backend.list_runs()
    settle_all(backend.store, states, partial(tracking_server, backend))


def _detach(stage: Stage, backend: Backend) -> None:
    from lcc.launch.driver import create_run
    from lcc.launch.messages import summarize_launch

    _check_detachable(backend)
    settings = _inputs(stage, backend)
    with _run_context(backend) as context:
        context.display.say(summarize_launch(stage, settings, backend))
    _settle_others(backend)
    plan = build_plan(stage, settings, parallelism=backend.parallelism)
    state = create_run(backend.store, plan, settings)
    hand_over(backend, state.run_id, settings)


def hand_over(backend: Backend, run_id: str, settings: Settings) -> None:
    """Have a run driven in the cluster, and say so."""
    backend.detach(run_id, settings)
    click.echo(run_id)
    click.echo("driven in the cluster from here on; this machine may go", err=True)
    click.echo(f"look: {command_line('status', run_id, '--watch')}", err=True)


def _preview_classes(stage: Stage, backend: Backend) -> tuple[tuple[str, ...], int]:
    """Return which folders will be the classes and how many images, where it is here.

    Raises:
        DataError: They cannot be told: the step `list` would say the same, later.
    """
    from lcc.storage.uri import open_store, scheme_of

    source = backend.settings.data.source
    is_local = backend.settings.launch.backend is BackendName.LOCAL
    is_read = reads_source(stage, backend.settings)
    if not (is_local and is_read and source and scheme_of(source) == "file"):
        return (), 0
    from lcc.listing.listing import list_as_set

    with tempfile.TemporaryDirectory(prefix="lcc-classes-") as scratch:
        found = list_as_set(open_store(source), backend.settings, Path(scratch))
    return (*found.tree.splitlines(), *found.notes), len(found)


def _tracking_notes(backend: Backend, settings: Settings) -> "Iterable[str]":
    from lcc.launch.mlflow_sync import tracking_server
    from lcc.launch.needs import tracking_notes

    return tracking_notes(tracking_server(backend, settings), settings)


def _inputs(stage: Stage, backend: Backend, *, num_images: int = 0) -> Settings:
    from lcc.launch.mlflow_sync import tracking_server
    from lcc.launch.needs import check_card, check_files, check_modules, check_room
    from lcc.launch.resolve import resolve_inputs

    settings = backend.settings
    backend.check_inputs(stage, settings)
    is_here = settings.launch.backend is BackendName.LOCAL
    if is_here:
        check_modules(stage)
        check_room(stage, settings, num_images=num_images)
    storage = backend.reachable(settings).storage
    check_files(stage, settings, storage, is_here=is_here)
    check_card(stage, settings, storage)
    server = tracking_server(backend, settings)
    return resolve_inputs(settings, stage, backend.store, server=server)


@contextmanager
def _run_context(backend: Backend) -> "Iterator[RunContext]":
    from lcc.launch.backend import make_patient_backend
    from lcc.launch.display import open_display
    from lcc.launch.driver import RunContext
    from lcc.launch.signals import stop_on_signals

    with stop_on_signals() as stop, open_display(quiet=level() < 0) as display:
        patient = make_patient_backend(
            backend, is_hurried=lambda: bool(stop), tell=display.wait
        )
        yield RunContext(backend=patient, display=display, stop=stop)


def _print_summary(backend: Backend, state: "RunState", settings: Settings) -> None:
    from lcc.launch.messages import summarize_run

    for line in summarize_run(backend, state, settings):
        click.echo(line)
    sys.stdout.flush()
