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
Ints8 = NDArray[np.uint8]

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


def plot_sets(examples: Mapping[str, NDArray[np.uint8]]) -> bytes:
    """Draw some tiles of each data set, a row each.

    Args:
        examples: Name of the set → (k, side, side, 3) uint8 RGB.
    """
    columns = max(map(len, examples.values()))
    size = (1.5 * columns, 1.75 * len(examples))
    figure, grid = plt.subplots(len(examples), columns, figsize=size, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, (name, tiles) in zip(grid, examples.items(), strict=True):
        row[0].set_title(name, loc="left")
        for axes, tile in zip(row, tiles, strict=False):
            axes.imshow(tile)
    return _png(figure)


def plot_shift(
    values: Mapping[str, tuple[Floats, Floats]], names: Sequence[str]
) -> bytes:
    """Draw how the tiles of two sets are spread over each figure.

    Args:
        values: Name of the figure → its value of each tile of both sets.
        names: Of the sets.
    """
    columns = 2  # to be read on a telephone
    rows = -(-len(values) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(6.4, 1.9 * rows))
    for axes in grid.flat[len(values) :]:
        axes.set_axis_off()
    for axes, (name, pair) in zip(grid.flat, values.items(), strict=False):
        low, high = np.quantile(np.concatenate(pair), (0.005, 0.995))
        bins = np.linspace(low, high if high > low else low + 1, 31)
        for own, label, colour in zip(pair, names, COLOURS, strict=False):
            weights = np.full(len(own), 1 / len(own))
            style = {"weights": weights, "color": colour, "label": label}
            axes.hist(np.clip(own, low, high), bins, histtype="step", **style)
        axes.set(xlabel=name, yticks=[])
    grid.flat[0].legend(frameon=False, fontsize="small")
    figure.tight_layout()
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


def plot_looked_at(shown: Sequence[tuple[Mistake, NDArray[np.float32]]]) -> bytes:
    """Draw tiles, and beside each what of it spoke for the class taken.

    Args:
        shown: Tiles, right or wrong, each with its (side, side) map, from 0.
    """
    columns = 2  # few: to be read on a telephone
    rows = -(-len(shown) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(3 * columns, 1.95 * rows), squeeze=False
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, (own, looked_at) in zip(grid.flat, shown, strict=False):
        axes.imshow(np.concatenate([own.tile, lay_over(own.tile, looked_at)], axis=1))
        taken = f"{_short(own.predicted)}, {own.probability:.2f}"
        is_right = own.actual == own.predicted
        title = taken if is_right else f"true {_short(own.actual)}\ntaken for {taken}"
        axes.set_title(title, fontsize="small")
    return _few_colours(_png(figure))


def lay_over(tile: NDArray[np.uint8], looked_at: NDArray[np.float32]) -> Ints8:
    """Return a tile with a (side, side) map over it: dark is 0, bright its largest."""
    scaled = looked_at / max(float(looked_at.max()), float(np.finfo(np.float32).tiny))
    colours = mpl.colormaps["inferno"](scaled)[:, :, :3] * 255
    return np.asarray(np.rint(tile * 0.5 + colours * 0.5), np.uint8)


def plot_robustness(
    curves: Mapping[str, tuple[str, Sequence[tuple[float, Estimate]]]],
    unchanged: Estimate,
) -> bytes:
    """Draw macro F1 against the strength of each change, with intervals.

    Args:
        curves: Change → what its strength is, and the estimate at each strength.
        unchanged: Of the same images.
    """
    columns = 3
    rows = -(-len(curves) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(7.2, 1.9 * rows), sharey=True, squeeze=False
    )
    for axes in grid.flat[len(curves) :]:
        axes.set_axis_off()
    for axes, (change, (unit, points)) in zip(grid.flat, curves.items(), strict=False):
        found = [unchanged, *(estimate for _, estimate in points)]
        places = np.arange(len(found))
        lower, upper = ([getattr(e, b) for e in found] for b in ("lower", "upper"))
        axes.fill_between(places, lower, upper, color=COLOURS[0], alpha=0.2, lw=0)
        values = [own.value for own in found]
        axes.plot(places, values, marker="o", markersize=3, color=COLOURS[0])
        axes.axhline(unchanged.value, color="0.6", linewidth=0.8)
        axes.set_title(change, fontsize="medium")
        axes.set_xticks(places, ["none", *(f"{s:g}" for s, _ in points)])
        axes.tick_params(labelsize="x-small")
        axes.set_xlabel(unit, fontsize="x-small")
    for axes in grid[:, 0]:
        axes.set_ylabel("macro F1", fontsize="small")
    figure.tight_layout()
    return _png(figure)


def plot_novelty(values: Mapping[str, Floats], threshold: float) -> bytes:
    """Draw how images of each kind are spread over novelty, a row each.

    Args:
        values: Kind → novelty of its images.
        threshold: Above it nothing is known; infinite where none is set.
    """
    size = (6, 0.75 * len(values) + 0.7)  # to be read on a telephone
    figure, grid = plt.subplots(
        len(values), 1, figsize=size, sharex=True, squeeze=False
    )
    bins = np.linspace(0, 1.05 * max(own.max() for own in values.values()), 41)
    for axes, (name, own) in zip(grid.flat, values.items(), strict=True):
        weights = np.full(len(own), 1 / len(own))
        axes.hist(own, bins, weights=weights, color=COLOURS[0])
        if np.isfinite(threshold):
            axes.axvline(threshold, color="0.3", linestyle="--", linewidth=1)
        axes.set(yticks=[])
        axes.set_title(f"{name} ({len(own)})", loc="right", y=0.5, fontsize="small")
    line = " (line: threshold)" if np.isfinite(threshold) else ""
    grid.flat[-1].set_xlabel(f"novelty{line}")
    return _png(figure)


def _few_colours(png: bytes) -> bytes:
    """Return a PNG of 256 colours: of photographs a third of the bytes."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(256).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


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
