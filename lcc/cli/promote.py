"""`lcc-launch promote [RUN]`: alias champion, through the gate."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options
from lcc.cli.suggestions import suggest_runs

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources
    from lcc.evaluate.promotion import Candidacy
    from lcc.launch.backend import Backend
    from lcc.tracking.champion import Change
    from lcc.tracking.mlflow import MlflowServer

MAX_REASON = 1000  # characters


@click.command("promote", short_help="Make a model champion, if it passes the gate.")
@click.argument("run_id", metavar="[RUN]", required=False, shell_complete=suggest_runs)
@click.option("--force", is_flag=True, help="Against the gate; needs --reason.")
@click.option("--reason", metavar="TEXT", default="", help="Why; kept in MLflow.")
@click.option("--history", is_flag=True, help="Print who was champion, and stop.")
@click.option(
    "--empty-card", is_flag=True, help="Print an empty evaluate.card, and stop."
)
@settings_options()
def command(
    run_id: str | None,
    force: bool,
    reason: str,
    history: bool,
    empty_card: bool,
    sources: "SettingsSources",
) -> None:
    """Give alias champion to the model of RUN, if it passes every check of the gate.

    RUN is an evaluation, a train run or a pipeline; by default the latest evaluation.
    Exit 4 with all reasons against it; the champion stays then.
    """
    if empty_card:
        from lcc.config.card import empty_card as print_empty

        click.echo(print_empty(), nl=False)
        return
    from lcc.cli.context import find_backend
    from lcc.launch.evaluations import find_candidate
    from lcc.launch.mlflow_sync import tracking_server
    from lcc.launch.state import read_run_settings

    check_reason(reason, force=force)
    with find_backend(sources) as backend:
        if history:
            _print_history(tracking_server(backend, backend.settings))
            return
        evaluation = find_candidate(backend.store, run_id)
        made_with = read_run_settings(backend.store, evaluation)
        server = tracking_server(backend, made_with)
        _promote(backend, server, evaluation, force=force, reason=reason)


def check_reason(reason: str, *, force: bool = False) -> None:
    """Refuse to force without a reason, and one that no tag can hold.

    Raises:
        ConfigError: Says which.
    """
    from lcc.errors import ConfigError

    if force and not reason.strip():
        message = "--force: needs --reason, got none. Say why; it is kept in MLflow."
        raise ConfigError(message)
    if len(reason) > MAX_REASON:
        message = (
            f"--reason: must have at most {MAX_REASON} characters, got {len(reason)}. "
            "Shorten it."
        )
        raise ConfigError(message)


def _print_history(server: "MlflowServer") -> None:
    changes = server.champion_history()
    for change in changes:
        click.echo(str(change))
    if not changes:
        click.echo("No model was ever champion.", err=True)


def _promote(
    backend: "Backend",
    server: "MlflowServer",
    evaluation: str,
    *,
    force: bool,
    reason: str,
) -> None:
    from lcc.errors import CheckFailed
    from lcc.evaluate.card_files import keep_answers
    from lcc.evaluate.promotion import judge_candidacy
    from lcc.launch.evaluations import evaluations_of
    from lcc.tracking.champion import CHAMPION

    store, settings = backend.store, backend.settings
    keep_answers(backend.reachable(settings), store, evaluation)
    champion = server.find_version(CHAMPION)
    run = champion.run_id if champion else None
    found = judge_candidacy(
        store,
        evaluation,
        champion=run,
        champion_evaluations=evaluations_of(store, run) if run else (),
        settings=settings.evaluate,
    )
    for check in found.checks:
        mark = "✓" if check.is_passed else "✗"
        click.echo(f"{mark} {check.name:<30} {check.detail}")
    if found.faults and not force:
        raise CheckFailed("\n".join([*found.faults, "The champion stays."]))
    _move(
        backend, server, found, before=champion.number if champion else 0, reason=reason
    )


def _move(
    backend: "Backend",
    server: "MlflowServer",
    found: "Candidacy",
    *,
    before: int,
    reason: str,
) -> None:
    from lcc.evaluate.promotion import write_cards
    from lcc.tracking.champion import Action, Change, now, this_person

    _report_cards(backend, found, write_cards(backend.store, found))
    own = backend.settings.evaluate
    change = Change(
        action=Action.PROMOTE,
        before=before,
        after=0,
        run=found.model_run,
        who=this_person(),
        when=now(),
        why=reason,
        evaluation=found.evaluation,
        overruled=found.faults,
        limits={
            "margin": own.margin,
            "max_calibration_error": own.max_calibration_error,
            "max_unseen_siblings": own.max_unseen_siblings,
        },
    )
    model_card, _ = found.cards
    change = server.promote(change, description=model_card.markdown())
    click.echo(champion_line(server.settings.registered_model, change))


def _report_cards(
    backend: "Backend", found: "Candidacy", keys: Mapping[str, str]
) -> None:
    """Have MLflow take the cards as they are now."""
    import os
    import time
    from functools import partial

    from lcc.launch.mlflow_sync import finish_run, tracking_server
    from lcc.tracking.tracker import Tracker

    run_id = found.evaluation
    writer = f"promote-{os.getpid()}-{time.time_ns()}"
    with Tracker(backend.store, run_id=run_id, writer=writer) as tracker:
        for name, key in keys.items():
            tracker.log_artifact(name, key)
    finish_run(backend.store, run_id, partial(tracking_server, backend))


def champion_line(model: str, change: "Change") -> str:
    """Return what became of the alias, as a line."""
    if change.before == change.after:
        return f"champion of {model}: version {change.after} ({change.run}), as before"
    before = f"version {change.before}" if change.before else "none"
    return (
        f"champion of {model}: version {change.after} ({change.run}), before: {before}"
    )
