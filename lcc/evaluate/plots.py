"""Pictures of a judgement, as PNG bytes, in colours that colour-blind eyes tell."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl

mpl.use("Agg")  # no display in a pod

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lcc.evaluate.bootstrap import Estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DPI = 150  # sharp at twice the width a report shows it in
COLOURS = sns.color_palette("colorblind")
INVALID = "0.6"  # grey: not a result
MAX_NAME = 22  # characters of a class name on an axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A tile that was taken for something else.

    Attributes:
        path: Path in the data set.
        tile: (side, side, 3) uint8 RGB.
        actual: True class.
        predicted: Class that the model chose.
        probability: What it gave that class, 0–1.
    """

    path: str
    tile: NDArray[np.uint8]
    actual: str
    predicted: str
    probability: float


def plot_confusion(
    confusion: Sequence[Sequence[int]], class_names: Sequence[str]
) -> bytes:
    """Draw counts, coloured by the share of each true class."""
    counts = np.array(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    text = [
        [f"{count}\n{share:.1%}" for count, share in zip(*rows, strict=True)]
        for rows in zip(counts, shares, strict=True)
    ]
    names = [_short(name) for name in class_names]
    figure, axes = plt.subplots(figsize=(1.5 * len(names) + 1.5, 1.2 * len(names) + 1))
    sns.heatmap(
        shares,
        annot=np.array(text),
        fmt="",
        cmap="Blues",
        vmin=0,
        vmax=1,
        square=True,
        cbar_kws={"label": "share of the true class"},
        xticklabels=names,
        yticklabels=names,
        ax=axes,
    )
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(axis="x", rotation=30)
    axes.tick_params(axis="y", rotation=0)
    return _png(figure)


def plot_curves(history: Mapping[str, Sequence[float]], *, best_epoch: int) -> bytes:
    """Draw loss and scores by epoch, and mark the epoch whose weights are kept.

    Args:
        history: Columns of Keras' CSVLogger.
        best_epoch: From 0.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    panels = {
        "loss": (left, COLOURS[0], "-"),
        "val_loss": (left, COLOURS[1], "--"),
        "accuracy": (right, COLOURS[0], "-"),
        "val_accuracy": (right, COLOURS[1], "--"),
        "val_macro_f1": (right, COLOURS[2], ":"),
    }
    names = {"loss": "training (augmented)", "accuracy": "training (augmented)"}
    names |= {"val_loss": "validation", "val_accuracy": "validation accuracy"}
    for column, (axes, colour, line) in panels.items():
        if column in history:
            label = names.get(column, "validation macro F1")
            values = history[column]
            epochs = np.arange(1, len(values) + 1)
            axes.plot(epochs, values, line, color=colour, label=label, marker=".")
    for axes, title in ((left, "cross-entropy"), (right, "score")):
        axes.axvline(best_epoch + 1, color="0.5", linewidth=1)
        axes.set(xlabel="epoch (line: weights kept)", ylabel=title)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False)
    return _png(figure)


def plot_roc(
    labels: Ints,
    probabilities: Floats,
    class_names: Sequence[str],
    areas: Mapping[str, Estimate],
) -> bytes:
    """Draw one-against-rest ROC curves with their areas, of classes that are there."""
    from sklearn.metrics import roc_curve

    figure, axes = plt.subplots(figsize=(4.8, 4.4))
    for number, name in enumerate(class_names):
        if len(np.unique(labels == number)) == 1:  # all images of it, or none
            continue
        false, true, _ = roc_curve(labels == number, probabilities[:, number])
        area = areas[f"auroc/{name}"]
        label = f"{_short(name)}: {area.value:.3f} ({area.lower:.3f}–{area.upper:.3f})"
        axes.plot(false, true, color=COLOURS[number % len(COLOURS)], label=label)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    axes.legend(frameon=False, loc="lower right", fontsize="small")
    return _png(figure)


def plot_reliability(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
) -> bytes:
    """Draw how often a model is right against how often it says so.

    Args:
        curves: Name → mean probability and share of right answers of each bin.
    """
    figure, axes = plt.subplots(figsize=(4.8, 4.4))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for (name, (said, right)), line in zip(curves.items(), ("--", "-"), strict=False):
        colour = COLOURS[0] if line == "-" else COLOURS[1]
        axes.plot(said, right, line, color=colour, marker="o", label=name)
    low = min(
        [0.9, *(value for pair in curves.values() for own in pair for value in own)]
    )
    axes.set(xlim=(low - 0.02, 1.02), ylim=(low - 0.02, 1.02), aspect="equal")
    axes.set(xlabel="probability of the class taken", ylabel="share that is right")
    axes.legend(frameon=False, loc="upper left")
    return _png(figure)


def plot_risk(coverage: Floats, risk: Floats, *, max_error: float) -> bytes:
    """Draw the error among answers against the share of images that are answered."""
    figure, axes = plt.subplots(figsize=(4.8, 4.4))
    axes.step(coverage, risk, where="post", color=COLOURS[0])
    axes.axhline(max_error, color="0.5", linestyle="--", linewidth=1)
    axes.set(xlim=(0, 1.02), ylim=(0, max(float(risk.max()), max_error) * 1.1))
    axes.set(xlabel="coverage: share of images answered, surest first")
    axes.set(ylabel="error among them (line: asked for)")
    return _png(figure)


def plot_comparison(
    bars: Sequence[tuple[str, Estimate, bool]], *, num_own: int = 1
) -> bytes:
    """Draw macro F1 with intervals; what is not a valid result is grey and hatched.

    Args:
        bars: Name, estimate, and whether it is a valid result.
        num_own: How many of the first stand out: the model that is judged.
    """
    # Names stand above the bars: narrow enough to be read on a telephone.
    figure, axes = plt.subplots(figsize=(6, 0.62 * len(bars) + 0.7))
    for row, (name, estimate, is_valid) in enumerate(bars):
        low, value, high = estimate.lower, estimate.value, estimate.upper
        valid = COLOURS[0] if row < num_own else COLOURS[9]
        axes.barh(
            row,
            value,
            height=0.5,
            color=valid if is_valid else INVALID,
            hatch=None if is_valid else "//",
            edgecolor="white",
            xerr=[[max(value - low, 0)], [max(high - value, 0)]],
            error_kw={"capsize": 3, "ecolor": "0.2"},
        )
        axes.text(0, row - 0.3, name, va="bottom")
        interval = f"{value:.3f} ({low:.3f}–{high:.3f})"
        axes.text(1, row - 0.3, interval, va="bottom", ha="right")
    axes.set_yticks([])
    axes.set_ylim(len(bars) - 0.5, -0.75)
    axes.set(xlabel="macro F1 (line: interval over groups)", xlim=(0, 1))
    return _png(figure)


def plot_mistakes(mistakes: Sequence[Mistake]) -> bytes:
    """Draw the tiles that the model was most wrong about, worst first."""
    columns = 4
    rows = -(-len(mistakes) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(2.3 * columns, 2.75 * rows), squeeze=False
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, mistake in zip(grid.flat, mistakes, strict=False):
        axes.imshow(mistake.tile)
        axes.set_title(
            f"true {_short(mistake.actual)}\ntaken for {_short(mistake.predicted)}\n"
            f"with {mistake.probability:.2f}",
            fontsize="small",
        )
    return _png(figure)


def _short(name: str) -> str:
    """Return a name that fits an axis, with nothing that Matplotlib reads as maths."""
    cut = name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
    return cut.replace("$", r"\$")


def _png(figure: Figure) -> bytes:
    sns.despine(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()
