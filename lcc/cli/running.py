"""From a command's options to a run, its display and its last words."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from lcc.cli.site import Site, load_settings, look_at_site, open_site
from lcc.cli.verbosity import level
from lcc.config.launch import Backend
from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.launch.plan import Plan, Stage, build_plan, stages_of
from lcc.launch.resolve import resolve_places

if TYPE_CHECKING:
    from lcc.backends.kubernetes.client import KubernetesCluster
    from lcc.launch.pipeline import Ground
    from lcc.launch.state import RunState


def launch(stage: Stage, given: dict[str, Any], **flags: str | None) -> None:
    """Run a stage, or print what would run.

    Args:
        stage: The stage.
        given: The options of the command.
        flags: Further settings, `__` for the dot.
    """
    if given["dry_run"] == "client":
        settings = resolve_places(load_settings(given, **flags))
        click.echo(describe(stage, settings), nl=False)
        return
    with open_site(given, **flags) as site:
        if given["dry_run"]:
            _rehearse(stage, site)
        elif given["detach"]:
            _detach(stage, site)
        else:
            _run(stage, site)


def describe(stage: Stage, settings: Settings) -> str:
    """Return what a stage would run, as YAML: manifests, or the plan of processes."""
    from lcc.backends.kubernetes.render import render_stage
    from lcc.config.document import to_yaml

    if settings.launch.backend is Backend.KUBERNETES:
        return render_stage(stage, settings)
    document = {
        "stages": [
            {"stage": str(plan.stage), "steps": plan.describe()}
            for plan in plans_of(stage, settings)
        ],
        "settings": settings.model_dump(mode="json"),
    }
    return to_yaml(document)


def plans_of(stage: Stage, settings: Settings) -> list[Plan]:
    """Return the plans of a stage, or of each stage of a pipeline."""
    parts = stages_of(settings) if stage is Stage.PIPELINE else (stage,)
    at_once = num_at_once(settings)
    return [build_plan(part, settings, num_cores=at_once) for part in parts]


def num_at_once(settings: Settings) -> int:
    """Return how many processes run at once unless the user says otherwise."""
    from lcc.backends.kubernetes.render import DEFAULT_PARALLELISM
    from lcc.backends.local.backend import num_cores

    is_local = settings.launch.backend is Backend.LOCAL
    return num_cores() if is_local else DEFAULT_PARALLELISM


def go_on(run_id: str, given: dict[str, Any], *, detach: bool) -> None:
    """Resume a run, and close like a new one."""
    from lcc.backends.kubernetes.backend import start_driver
    from lcc.launch.pipeline import read_run_settings, resume
    from lcc.launch.state import Status, read_state

    with look_at_site(given) as site:
        state = read_state(site.store, run_id)
        if state.status is Status.DONE:
            click.echo(f"{run_id}: is done already.", err=True)
        else:
            _check_undriven(site, state)
        own = read_run_settings(site.store, run_id)
        if detach and state.status is not Status.DONE:
            start_driver(_cluster_of(site), own, run_id)
            return
        with _ground(site, own) as ground:
            state = resume(ground, run_id)
        _close(site, state, own)


def _check_undriven(site: Site, state: "RunState") -> None:
    """Refuse to drive a run that somebody drives: two would do everything twice."""
    from lcc.cli.standing import take_inventory_of
    from lcc.launch.state import Status

    driver = ""
    if state.status is Status.RUNNING:
        driver = f"process {state.driver['pid']} on {state.driver['host']}"
    elif take_inventory_of(site).has_driver(state.run_id):
        driver = "a driver in the cluster"
    if driver:
        message = (
            f"run {state.run_id}: must not be running, got {driver}. Stop that first."
        )
        raise ConfigError(message)


def _cluster_of(site: Site) -> "KubernetesCluster":
    if site.cluster is None:
        message = "--detach: needs a cluster, got --local. Leave out one of them."
        raise ConfigError(message)
    return site.cluster


def _run(stage: Stage, site: Site) -> None:
    from lcc.launch.pipeline import start

    settings = _inputs(stage, site)
    with _ground(site, settings) as ground:
        ground.display.say(announce(stage, settings))
        state = start(ground, stage, settings)
    _close(site, state, settings)


def _inputs(stage: Stage, site: Site) -> Settings:
    from lcc.backends.kubernetes.preflight import check_prerequisites
    from lcc.launch.resolve import resolve_inputs

    if site.cluster is not None:
        check_prerequisites(site.cluster, site.settings)
    tracking = site.reach(site.settings).tracking
    return resolve_inputs(site.settings, stage, site.store, tracking=tracking)


def _detach(stage: Stage, site: Site) -> None:
    from lcc.backends.kubernetes.backend import start_driver
    from lcc.launch.driver import create_run

    cluster = _cluster_of(site)
    settings = _inputs(stage, site)
    with _ground(site, settings) as ground:
        ground.display.say(announce(stage, settings))
        state = create_run(ground.launch(stage, settings))
        start_driver(cluster, settings, state.run_id)
    click.echo(state.run_id)
    click.echo(
        f"look: lcc-launch status {state.run_id} --watch -n {cluster.namespace}",
        err=True,
    )


def _rehearse(stage: Stage, site: Site) -> None:
    """Have the API server judge every object of a stage."""
    from lcc.backends.kubernetes.preflight import check_prerequisites
    from lcc.backends.kubernetes.render import stage_manifests

    if site.cluster is None:
        message = "--dry-run: server needs a cluster, got --local. Use client."
        raise ConfigError(message)
    check_prerequisites(site.cluster, site.settings)
    for manifest in stage_manifests(stage, site.settings):
        site.cluster.create(manifest, dry_run=True)
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        click.echo(f"{kind.lower()}/{name} created (server dry run)")


def announce(stage: Stage, settings: Settings) -> str:
    """Return what will run: steps and processes, device, root."""
    from lcc.backends.kubernetes.resources import cluster_lines

    plans = plans_of(stage, settings)
    lines = [f"  {plan.stage:<10}{_chain(plan)}" for plan in plans]
    gpus, device = settings.launch.gpus, settings.train.device
    replicas = f", training on {gpus} × {device}" if gpus else ", training on the CPU"
    trains = stage not in {Stage.PREPARE, Stage.EVALUATE}
    if settings.launch.backend is Backend.LOCAL:
        on = f"{num_at_once(settings)} cores{replicas if trains else ''}"
        lines.append(f"  {'on':<10}{on}")
    else:
        lines += cluster_lines(plans, settings)
    return "\n".join([*lines, f"  {'root':<10}{settings.storage.root}"])


def _chain(plan: Plan) -> str:
    return " → ".join(
        step.name if step.num_indexes == 1 else f"{step.name} × {step.num_indexes}"
        for step in plan.steps
    )


@contextmanager
def _ground(site: Site, settings: Settings) -> "Iterator[Ground]":
    from lcc.backends import open_backend
    from lcc.launch.display import open_display
    from lcc.launch.pipeline import Ground
    from lcc.launch.signals import stop_on_signals

    with stop_on_signals() as stop, open_display(quiet=level() < 0) as display:
        yield Ground(
            store=site.store,
            display=display,
            stop=stop,
            num_cores=num_at_once(settings),
            backend=lambda own: open_backend(
                own, store=site.store, cluster=site.cluster, stop=stop
            ),
            reach=site.reach,
        )


def _close(site: Site, state: Any, settings: Settings) -> None:
    from lcc.launch.messages import closing_lines

    for line in closing_lines(site.store, state, settings):
        click.echo(line)
    sys.stdout.flush()
