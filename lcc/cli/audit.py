"""`lcc-launch audit SPLIT`: find leaks in anybody's split."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import click

from lcc.cli.options import LocalPath, settings_options

if TYPE_CHECKING:
    from lcc.audit.leaks import SplitAudit
    from lcc.config.load import SettingsSources

MAX_LINES = 6  # of a kind: with them an audit fits a screen
WIDTH = 80


@click.command("audit", short_help="Find leaks in anybody's split.")
@click.argument(
    "splits",
    metavar="SPLIT...",
    nargs=-1,
    required=True,
    type=LocalPath(),
)
@click.option(
    "--images",
    metavar="FOLDER",
    type=LocalPath(),
    help="Where the paths of lists start; by default the folder of the first.",
)
@click.option(
    "--output",
    "outputs",
    metavar="FILE",
    multiple=True,
    type=LocalPath(),
    help="Report: .html with pictures, .md, .json, or .csv with all leaks; may be "
    "repeated.",
)
@settings_options("launch.parallelism")
def command(
    splits: tuple[Path, ...],
    images: Path | None,
    outputs: tuple[Path, ...],
    sources: "SettingsSources",
) -> None:
    """Look for copies, families and overlaps across the splits of any image set.

    SPLIT is a CSV with the columns path and split (and label, group, where known);
    lists such as train.csv, val.csv and test.csv, as tables, texts, JSON, Parquet or
    arrays; a folder of such lists; or a folder with train/, val/, test/ in it. Of
    several seeds or columns of folds each is judged.

    Exits with 0 where no leak was found, 4 where one was, 3 where it cannot tell:
    missing or unreadable images, a broken CSV, or questionable edges alone.
    """
    from lcc.audit.report import check_format, write_report
    from lcc.audit.split_audit import audit_splits
    from lcc.cli.watching import watch_progress
    from lcc.tracking.progress import start_progress

    settings = sources.load()
    for file in outputs:
        check_format(file)
    with watch_progress("audit"):
        audits = audit_splits(
            splits,
            images,
            settings=settings.data,
            progress=start_progress,
            n_jobs=settings.launch.parallelism or -1,
        )
    for number, audit in enumerate(audits):
        click.echo("\n" if number else "", nl=False)
        _show(audit)
    for file in outputs:
        write_report(audits, file)
    _conclude(audits)


def _show(audit: "SplitAudit") -> None:
    from lcc.audit.headline import describe_audit

    for sentence in describe_audit(audit):
        click.echo(fill(sentence, WIDTH, subsequent_indent="  "))
    for line in _summary(audit):
        click.echo(line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…")
    for note in audit.notes[:MAX_LINES]:
        click.echo(fill(note, WIDTH, subsequent_indent="  "))
    for line in _more(len(audit.notes)):
        click.echo(line)


def _summary(audit: "SplitAudit") -> Iterator[str]:
    """Yield the lines of the result, of which none is important beyond column 80."""
    counts = ", ".join(f"{name} {count:,}" for name, count in audit.counts.items())
    yield f"{audit.name}: {audit.verdict}"
    yield f"{len(audit.images):,} images: {counts}"
    shared = [found for found in audit.shared if found.num_same_group]
    if shared:
        yield ""
        columns = ("same picture", "same family", "any overlap")
        cells = "".join(f"{name:>16}" for name in columns)
        yield f"{'images with copies elsewhere':<32}{cells}"
    for found in shared[:MAX_LINES]:
        numbers = (found.num_same_picture, found.num_same_family, found.num_same_group)
        cells = "".join(f"{_share(n, found.num_images):>16}" for n in numbers)
        yield f"{f'{found.split} in {found.other}':<32.31}{cells}"
    yield from _more(len(shared))
    if audit.leaks or audit.conflicts:
        yield ""
    for level, count in audit.leak_counts.items():
        yield f"{count:>8,} × {level} in several splits"
    if audit.conflicts:
        yield f"{len(audit.conflicts):>8,} × one picture or family under several labels"
    yield from _unreadable(audit)


def _share(count: int, total: int) -> str:
    return f"{count:,} ({count / total:.1%})"


def _more(count: int) -> Iterator[str]:
    if count > MAX_LINES:
        yield f"… and {count - MAX_LINES} more"


def _unreadable(audit: "SplitAudit") -> Iterator[str]:
    for row, reason in list(audit.unreadable.items())[:MAX_LINES]:
        yield f"unreadable ({reason}): {audit.images[row].path}"
    yield from _more(len(audit.unreadable))


def _conclude(audits: Sequence["SplitAudit"]) -> None:
    """Raise what the exit code says: a leak before what cannot be told.

    Raises:
        CheckFailed: There is a leak.
        DataError: Questionable edges or unreadable images leave it open.
    """
    from lcc.audit.leaks import AuditVerdict
    from lcc.errors import CheckFailed, DataError

    leaking = [audit for audit in audits if audit.verdict is AuditVerdict.LEAK]
    if leaking:
        raise CheckFailed("\n".join(map(_leak_message, leaking)))
    unclear = [audit for audit in audits if audit.verdict is AuditVerdict.UNCLEAR]
    if unclear:
        raise DataError("\n".join(map(_unclear_message, unclear)))


def _leak_message(audit: "SplitAudit") -> str:
    return (
        f"{audit.name}: splits must share no picture, family or group, got "
        f"{len(audit.leaks):,} leaks.\nKeep what belongs together in one split."
    )


def _unclear_message(audit: "SplitAudit") -> str:
    if audit.leaks:
        return (
            f"{audit.name}: splits must share no questionable edge, got "
            f"{len(audit.leaks):,}.\nLook at them (--output report.html), and keep "
            "each in one split."
        )
    return (
        f"data.max_unreadable_fraction: must hold, it is "
        f"{audit.max_unreadable_fraction:g}, got {len(audit.unreadable):,} of "
        f"{len(audit.images):,}.\nMend the images, or raise it with --set."
    )
