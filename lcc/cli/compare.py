"""`lcc-launch compare RUN RUN …`: which of several models is better."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lcc.cli.options import LocalPath, settings_options
from lcc.cli.suggestions import suggest_runs

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources
    from lcc.storage.store import Store


@click.command("compare", short_help="Compare models on the same test.")
@click.argument("run_ids", metavar="[RUN]...", nargs=-1, shell_complete=suggest_runs)
@click.option(
    "--study",
    "studies",
    metavar="PIPELINE",
    multiple=True,
    shell_complete=suggest_runs,
    help="All evaluations of a pipeline, and its search; may be repeated.",
)
@click.option(
    "--name",
    "datasets",
    metavar="NAME",
    multiple=True,
    help="All models judged on this data set; may be repeated.",
)
@click.option(
    "--search",
    "searches",
    metavar="RUN",
    multiple=True,
    shell_complete=suggest_runs,
    help="Show all trials of this search too; may be repeated.",
)
@click.option(
    "--common",
    "is_common",
    is_flag=True,
    help="Of different tests, compare the images that all of them hold.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=LocalPath(),
    default="compare.html",
    show_default=True,
    help="The page, .html, or the figures, .json.",
)
@settings_options()
def command(
    run_ids: tuple[str, ...],
    searches: tuple[str, ...],
    is_common: bool,
    output: Path,
    sources: "SettingsSources",
    **many: tuple[str, ...],
) -> None:
    """Compare evaluations on the same images, drawn together, group by group.

    Each metric's difference has its interval; McNemar's test takes groups for
    evidence; p-values are adjusted for all pairs (Holm). The baselines of the first
    evaluation stand beside the models. Needs no model and no GPU.
    """
    from lcc.cli.context import find_backend
    from lcc.data.pages import check_destination, write_document
    from lcc.evaluate.leaderboard import (
        compare_evaluations,
        describe_comparison,
        dump_comparison,
        read_judged,
        read_trials,
        render_comparison,
    )
    from lcc.launch.evaluations import find_evaluations

    if not (run_ids or any(many.values())):
        message = (
            "RUN: must be given, got none. Name evaluations, --study PIPELINE, or "
            "--name NAME."
        )
        raise click.UsageError(message)
    check_destination(output, option="--output", endings=(".html", ".json"))
    with find_backend(sources) as backend:
        store = backend.store
        found = find_evaluations(store, run_ids, **many)
        shown = _searches(store, found, searches)
        comparison = compare_evaluations(
            [read_judged(store, run_id) for run_id in found],
            searches=[read_trials(store, run_id) for run_id in shown],
            is_common=is_common,
            settings=backend.settings.evaluate,
        )
    is_json = output.suffix.lower() == ".json"
    render = dump_comparison if is_json else render_comparison
    write_document(output, render(comparison), option="--output")
    for line in describe_comparison(comparison):
        click.echo(line)
    click.echo(output)


def _searches(
    store: "Store", evaluations: Sequence[str], named: Sequence[str]
) -> list[str]:
    """Return the searches that are named, and those that evaluations go back to."""
    from lcc.launch.state import read_run_settings, read_state

    for run_id in named:
        read_state(store, run_id)  # names near ones where there is none
    settings = [read_run_settings(store, run_id) for run_id in evaluations]
    own = [found.evaluate.search_run for found in settings]
    return list(dict.fromkeys([*named, *filter(None, own)]))
