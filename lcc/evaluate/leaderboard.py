"""Models compared, as one page, one JSON document and the lines of a terminal.

Knows evaluations by what they have kept; runs no model.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from textwrap import wrap

import numpy as np

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import read_catalogue
from lcc.errors import NotFoundError
from lcc.evaluate.bootstrap import Estimate, Ints
from lcc.evaluate.kept import read_kept, without_nan
from lcc.evaluate.page import render_page
from lcc.evaluate.pairs import BY, METRICS, Leaderboard, Pair, Rival, rank_models
from lcc.evaluate.predictions import Part
from lcc.evaluate.selective import area_under_risk, risk_by_coverage
from lcc.evaluate.shared_test import Judged, Shared, share_test
from lcc.evaluate.trials import Trials, parse_trials
from lcc.storage import layout
from lcc.storage.store import Store

TEMPLATE = "leaderboard.html.j2"
WIDTH = 80  # columns of a terminal
NAME_WIDTH = 27  # as wide as the id of an evaluation
LEAST_CHANCE = 0.0005  # would be shown as 0
MAX_POINTS = 300  # of a curve: more than its pixels show
TITLES = {name: name.replace("_", " ") for name in METRICS}
TITLES |= {BY: "macro F1", "mcc": "MCC", "auroc": "AUROC", "auprc": "AUPRC"}
TITLES |= {"brier": "Brier ↓", "log_loss": "log loss ↓"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The error of a model by the share of images that it answers, surest first.

    Attributes:
        name: Of the model.
        is_baseline: Whether it is a small model beside another.
        coverage: (k,) share of images answered, ascending from 0 to 1.
        risk: (k,) share of wrong answers among them, 0 to 1.
        area: Under the whole curve.
    """

    name: str
    is_baseline: bool
    coverage: Sequence[float]
    risk: Sequence[float]
    area: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Evaluations compared.

    Attributes:
        board: The models in order, and how they differ.
        curves: Of each model, in the same order.
        searches: Whose trials are shown.
        notes: Sentences on what was compared, and what was left out.
    """

    board: Leaderboard
    curves: Sequence[Curve]
    searches: Sequence[Trials]
    notes: Sequence[str]


def read_judged(store: Store, run_id: str) -> Judged:
    """Return what an evaluation says of its test.

    Raises:
        NotFoundError: It has left no predictions.
    """
    kept = read_kept(store, run_id)
    dataset, digest = str(kept.lineage["data set"]), str(kept.lineage["catalogue"])

    def read_digests() -> dict[str, str]:
        catalogue = read_catalogue(store, name=dataset, digest=digest)
        digests = catalogue.table["sha256"].to_pylist()
        return dict(zip(catalogue.paths, digests, strict=True))

    has_test = len(kept.predictions.part(Part.TEST)) > 0
    part = Part.TEST if has_test else Part.OUTSIDE
    baselines = {name: own.part(part) for name, own in kept.others.items()}
    return Judged(
        run_id=run_id,
        dataset=dataset,
        catalogue=digest,
        predictions=kept.predictions.part(part),
        baselines={name: own for name, own in baselines.items() if len(own)},
        read_digests=read_digests,
    )


def read_trials(store: Store, run_id: str) -> Trials:
    """Return the trials of a search that is done.

    Raises:
        NotFoundError: It has left no table.
    """
    key = layout.search_table(run_id)
    if not store.exists(key):
        message = (
            f"--search: must be a search that is done, got {run_id}, which has left no "
            "table of its trials. Name another."
        )
        raise NotFoundError(message)
    return parse_trials(run_id, store.read(key))


def compare_evaluations(
    evaluations: Sequence[Judged],
    *,
    searches: Sequence[Trials] = (),
    is_common: bool,
    settings: EvaluateSettings,
) -> Comparison:
    """Compare the models of evaluations, and the baselines beside them.

    Args:
        evaluations: At least one.
        searches: Shown beside them.
        is_common: Whether those of different tests are compared on shared images.
        settings: Resamples of groups, mass of each interval, seed.

    Raises:
        ConfigError: Tests or classes differ, or no image is shared.
        DataError: A probability is no number, or an image has two labels.
    """
    shared = share_test(evaluations, is_common=is_common)
    board = rank_models(shared.rivals, shared.test, settings)
    rivals = {rival.name: rival for rival in shared.rivals}
    ordered = [rivals[standing.name] for standing in board.standings]
    return Comparison(
        board=board,
        curves=[_curve(own, shared.test.labels) for own in ordered],
        searches=searches,
        notes=list(_notes(evaluations, shared, board)),
    )


def _curve(rival: Rival, labels: Ints) -> Curve:
    _, coverage, risk = risk_by_coverage(rival.probabilities, labels)
    size = min(len(coverage), MAX_POINTS)
    places = np.unique(np.linspace(0, len(coverage) - 1, size).round().astype(int))
    return Curve(
        name=rival.name,
        is_baseline=rival.is_baseline,
        coverage=[0.0, *coverage[places].tolist()],
        risk=[float(risk[0]), *risk[places].tolist()],
        area=area_under_risk(rival.probabilities, labels),
    )


def _notes(
    evaluations: Sequence[Judged], shared: Shared, board: Leaderboard
) -> Iterator[str]:
    catalogues = dict.fromkeys(f"{e.dataset} {e.catalogue[:12]}" for e in evaluations)
    yield (
        f"{board.num_images:,} images of {board.num_groups:,} groups, "
        f"{'from' if len(catalogues) > 1 else 'the test of'} {', '.join(catalogues)}; "
        f"{board.num_bootstrap:,} resamples of groups, the same for all."
    )
    if shared.left_out:
        counts = [f"{count:,} of {name}" for name, count in shared.left_out.items()]
        yield (
            "Only images that all tests hold are compared. Left out: "
            f"{', '.join(counts)}."
        )
    if board.is_blunt:
        needed = int(2 * len(board.pairs) / (1 - board.confidence)) + 1
        yield (
            f"{board.num_bootstrap:,} resamples can show no difference among "
            f"{len(board.pairs):,} pairs: set evaluate.num_bootstrap above {needed:,}."
        )


def describe_comparison(comparison: Comparison) -> Iterator[str]:
    """Yield the lines of a terminal, of 80 columns at most."""
    board = comparison.board
    first = board.standings[0].name
    heads = ("MODEL", "MACRO F1", "BELOW THE FIRST", "P")
    yield _line(*heads)
    for standing in board.standings:
        pair = board.pair_of(first, standing.name)
        yield _line(
            standing.name,
            _with_interval(standing.metrics[BY]),
            "" if pair is None else _difference(pair),
            "" if pair is None else _chance(pair.mcnemar.p_value),
        )
    percent = f"{100 * board.confidence:g} %"
    notes = [
        f"* real: beyond chance (below {1 - board.confidence:.2g}), by Holm over "
        f"{len(board.pairs):,} pairs. {percent} intervals. P: McNemar's test by "
        "groups, by Holm.",
        *comparison.notes,
    ]
    for note in notes:
        yield from wrap(note, WIDTH, subsequent_indent="  ")


def _line(name: str, *cells: str) -> str:
    shown = name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"
    score, difference, chance = cells
    return f"{shown:<{NAME_WIDTH}}  {score:<19}  {difference:<22}  {chance}".rstrip()


def _difference(pair: Pair) -> str:
    found = pair.differences[BY]
    return f"{_with_interval(found.found)}{' *' if found.is_real else ''}"


def _chance(p_value: float) -> str:
    return "<0.001" if p_value < LEAST_CHANCE else f"{p_value:.3f}"


def _with_interval(found: Estimate) -> str:
    return f"{found.value:.3f} ({found.lower:.3f}–{found.upper:.3f})"


def render_comparison(comparison: Comparison) -> str:
    """Return the page: one HTML document that holds everything."""
    return render_page(
        TEMPLATE,
        plots={},
        board=comparison.board,
        curves=comparison.curves,
        searches=comparison.searches,
        notes=comparison.notes,
        metrics=METRICS,
        titles=TITLES,
        by=BY,
        chance=_chance,
    )


def dump_comparison(comparison: Comparison) -> str:
    """Return the figures as JSON."""
    document = {"notes": comparison.notes, **asdict(comparison.board)}
    return json.dumps(without_nan(document), indent=1)
