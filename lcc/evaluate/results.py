"""What an evaluation leaves: its files, by name, and its figures as metrics."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from lcc.data.parquet import to_parquet
from lcc.evaluate.bootstrap import Estimate
from lcc.evaluate.cards import build_cards
from lcc.evaluate.judging import AFTER
from lcc.evaluate.kept import (
    METRICS,
    NOVELTY,
    OTHERS,
    TABLE,
    join_others,
    without_nan,
    write_table,
)
from lcc.evaluate.novelty import write_known
from lcc.evaluate.predictions import write_predictions
from lcc.evaluate.report import Report, render_report
from lcc.evaluate.strangers import Novelty

EXPLAINED, CHANGED = "explanations.parquet", "changed.parquet"
STRANGERS = "strangers.parquet"


def result_files(report: Report) -> dict[str, bytes]:
    """Return all that an evaluation leaves, by name."""
    files = dict(write_predictions(report.predictions))
    files[TABLE] = write_table(report.predictions)
    files[OTHERS] = to_parquet(join_others(report.others))
    document = without_nan(_document(report))
    cards = build_cards(document, report.cards)
    files[METRICS] = json.dumps(document, indent=1).encode()
    files |= {card.file: card.markdown().encode() for card in cards}
    files["report.html"] = render_report(report, cards).encode()
    files |= report.labels.files(report.title)
    if report.explained is not None:
        files[EXPLAINED] = to_parquet(report.explained.table)
    if report.changed is not None and report.robustness is not None:
        files[CHANGED] = to_parquet(report.changed)
        files["robustness.csv"] = report.robustness.csv()
    if report.known is not None:
        files[NOVELTY] = write_known(report.known.known)
        files[STRANGERS] = to_parquet(report.known.strangers)
    for title, content in report.plots.items():
        files[plot_name(title)] = content
    return files


def plot_name(title: str) -> str:
    """Return the name of the file of a picture.

    Example:
        >>> plot_name("Worst mistakes")
        'plots/worst_mistakes.png'
    """
    return f"plots/{title.lower().replace(' ', '_')}.png"


def _document(report: Report) -> dict[str, object]:
    """Return every figure of a report as JSON values."""
    abstention = report.abstention
    return report.judgement.document() | {
        "units": {name: own.document() for name, own in report.units.items()},
        "compared": [
            {
                "name": row.name,
                "macro_f1": row.estimate.value,
                "lower": row.estimate.lower,
                "upper": row.estimate.upper,
                "out_of_fold": row.out_of_fold and asdict(row.out_of_fold),
                "random_folds_invalid": row.at_random and asdict(row.at_random),
                "judged_model_above": row.difference and asdict(row.difference),
                "is_valid": row.is_valid,
            }
            for row in report.rows
        ],
        "verdict": report.verdict,
        "forecast": report.forecast,
        "labels": report.labels.issues.document(),
        "calibration": report.calibration.document()
        | {name: asdict(own) for name, own in report.reliability.items()},
        "abstention": abstention and abstention.document(),
        "explanation": report.faithfulness and report.faithfulness.document(),
        "robustness": report.robustness and report.robustness.document(),
        "novelty": report.novelty and report.novelty.document(),
        "by_axis": {
            axis: [figures.document() for figures in found]
            for axis, found in report.by_axis.items()
        },
        "lineage": report.lineage,
    }


def metrics_of(report: Report) -> dict[str, float]:
    """Return every estimate with its interval, those that it is compared with too."""
    metrics = {"calibration/temperature": report.calibration.temperature}
    if (novelty := report.novelty) is not None and novelty.threshold.is_set:
        for own in novelty.strangers:
            metrics[f"novelty/unfamiliar/{own.kind}"] = own.share_unfamiliar
    for name, found in _estimates(report):
        metrics[name] = found.value
        metrics[f"{name}_lower"] = found.lower
        metrics[f"{name}_upper"] = found.upper
    return metrics | report.labels.issues.metrics()


def _estimates(report: Report) -> Iterator[tuple[str, Estimate]]:
    for name, found in report.judgement.metrics.items():
        yield f"test/{name}", found
    for unit, own in report.units.items():
        if own is not report.judgement:
            yield f"test/by_{unit}/macro_f1", own.metrics["macro_f1"]
    yield "test/calibration_error", report.reliability[AFTER].error
    if report.abstention is not None:
        yield "test/coverage", report.abstention.coverage
        if report.abstention.error is not None:
            yield "test/error_of_answers", report.abstention.error
    yield from _compared(report)
    if (maps := report.faithfulness) is not None:
        yield "explanation/deletion_area", maps.deletion
        yield "explanation/random_deletion_area", maps.at_random
        yield "explanation/shuffled_rank_correlation", maps.similarity
    if report.robustness is not None:
        yield "robustness/macro_f1", report.robustness.mean
        yield "robustness/drop", report.robustness.mean_drop
    yield from _of_novelty(report.novelty)


def _of_novelty(novelty: Novelty | None) -> Iterator[tuple[str, Estimate]]:
    if novelty is None:
        return
    for own in novelty.strangers:
        yield f"novelty/auroc/{own.kind}", own.auroc
    if novelty.unfamiliar is not None:
        yield "test/unfamiliar", novelty.unfamiliar


def _compared(report: Report) -> Iterator[tuple[str, Estimate]]:
    own, *others = report.rows
    if own.out_of_fold is not None:
        yield "out_of_fold/macro_f1", own.out_of_fold
    baselines = [row for row in others if row.is_valid]
    if baselines:
        best = max(baselines, key=lambda row: row.estimate.value)
        yield "baseline/macro_f1", best.estimate
    for row in others:
        if not row.is_valid:
            yield "random_split/macro_f1", row.estimate
