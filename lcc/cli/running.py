"""From a command's options to a run, its display and its last words."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from lcc.cli import options
from lcc.cli.verbosity import configure_logging, level
from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.launch.plan import Plan, Stage, build_plan, stages_of
from lcc.launch.resolve import resolve_places
from lcc.storage.store import Store
from lcc.storage.uri import open_store


def launch(stage: Stage, given: dict[str, Any], **flags: str | None) -> None:
    """Run a stage, or print what would run.

    Args:
        stage: The stage.
        given: The options of the command.
        flags: Further settings, `__` for the dot.
    """
    if given["local"]:
        flags["launch__backend"] = "local"
    settings = resolve_places(options.load(given, **flags))
    _check_backend(settings)
    if given["dry_run"]:
        click.echo(describe(stage, settings), nl=False)
        return
    _run(stage, settings)


def describe(stage: Stage, settings: Settings) -> str:
    """Return what a stage would run, as YAML."""
    from lcc.config.document import to_yaml
    from lcc.launch.local import num_cores

    stages = stages_of(settings) if stage is Stage.PIPELINE else (stage,)
    document = {
        "stages": [
            {
                "stage": str(part),
                "steps": build_plan(part, settings, num_cores=num_cores()).describe(),
            }
            for part in stages
        ],
        "settings": settings.model_dump(mode="json"),
    }
    return to_yaml(document)


def open_root(settings: Settings) -> Store:
    """Return the store of the root of resolved settings."""
    return open_store(str(settings.storage.root), settings.storage)


def go_on(run_id: str, settings: Settings) -> None:
    """Resume a run, and close like a new one."""
    from lcc.launch.state import Status, is_driven, read_state
    from lcc.launch.study import read_run_settings, resume

    store = open_root(settings)
    state = read_state(store, run_id)
    if state.status is Status.DONE:
        click.echo(f"{run_id}: is done already.", err=True)
    elif state.status is Status.RUNNING and is_driven(state):
        driver = f"process {state.driver['pid']} on {state.driver['host']}"
        message = f"run {run_id}: must not be running, got {driver}. Stop that first."
        raise ConfigError(message)
    own = read_run_settings(store, run_id)
    with _ground(store) as ground:
        state = resume(ground, run_id)
    _close(store, state, own)


def _run(stage: Stage, settings: Settings) -> None:
    from lcc.launch.resolve import resolve_inputs
    from lcc.launch.study import start

    store = open_root(settings)
    settings = resolve_inputs(settings, stage, store)
    with _ground(store) as ground:
        ground.display.say(announce(stage, settings, num_cores=ground.num_cores))
        state = start(ground, stage, settings)
    _close(store, state, settings)


def announce(stage: Stage, settings: Settings, *, num_cores: int) -> str:
    """Return what will run: steps and processes, device, root."""
    parts = stages_of(settings) if stage is Stage.PIPELINE else (stage,)
    plans = [build_plan(part, settings, num_cores=num_cores) for part in parts]
    lines = "".join(f"  {plan.stage:<10}{_chain(plan)}\n" for plan in plans)
    gpus, device = settings.launch.gpus, settings.train.device
    replicas = f", training on {gpus} × {device}" if gpus else ", training on the CPU"
    trains = stage not in {Stage.PREPARE, Stage.EVALUATE}
    return (
        f"{lines}"
        f"  {'on':<10}{num_cores} cores{replicas if trains else ''}\n"
        f"  {'root':<10}{settings.storage.root}"
    )


def _chain(plan: Plan) -> str:
    return " → ".join(
        step.name if step.num_indexes == 1 else f"{step.name} × {step.num_indexes}"
        for step in plan.steps
    )


@contextmanager
def _ground(store: Store) -> Iterator[Any]:
    from lcc.launch.display import open_display
    from lcc.launch.local import LocalBackend, num_cores
    from lcc.launch.stopping import stop_on_signals
    from lcc.launch.study import Ground

    configure_logging()
    with stop_on_signals() as stop, open_display(quiet=level() < 0) as display:
        yield Ground(
            store=store,
            display=display,
            stop=stop,
            num_cores=num_cores(),
            backend=lambda own: LocalBackend(store=store, settings=own, stop=stop),
        )


def _close(store: Store, state: Any, settings: Settings) -> None:
    from lcc.launch.closing import closing_lines

    for line in closing_lines(store, state, settings):
        click.echo(line)
    sys.stdout.flush()


def _check_backend(settings: Settings) -> None:
    if settings.launch.backend != "local":
        message = (
            f"launch.backend: {settings.launch.backend} is not available in this "
            "version (see CHANGELOG). Pass --local"
        )
        raise ConfigError(message)


def resolved(given: dict[str, Any]) -> Settings:
    """Return settings for a command that only looks: the root is what matters."""
    configure_logging()
    return resolve_places(options.load(given))
