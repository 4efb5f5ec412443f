"""Compare the bootstrap over groups with a loop over scikit-learn's metrics.

Usage: python benchmarks/bootstrap.py [--images 772] [--groups 36] [--resamples 2000]

Both compute accuracy, balanced accuracy, macro F1, MCC, precision, recall, F1, areas
under both curves, Brier score and log loss, from the same draws of whole groups.
"""

import argparse
import time
import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.bootstrap import draw_groups
from lcc.evaluate.metrics import figures_of

NAMES = ("lung_aca", "lung_n", "lung_scc")
Values = NDArray[np.float64]


def some_predictions(
    num_images: int, num_groups: int, seed: int
) -> tuple[NDArray[np.int64], Values, NDArray[np.int64]]:
    """Return labels, probabilities and groups; images of a group are alike."""
    draw = np.random.default_rng(seed)
    groups = np.sort(draw.integers(0, num_groups, num_images))
    groups[: num_groups * 2] = np.repeat(np.arange(num_groups), 2)
    labels = groups % 3
    logits = draw.normal(0, 1.0, (num_images, 3))
    logits += draw.normal(0, 1.5, (num_groups, 3))[groups]
    logits[np.arange(num_images), labels] += 2.5
    said = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, said, groups


def by_scikit_learn(
    labels: NDArray[np.int64], said: Values, weight: Values
) -> dict[str, float]:
    """Return the metrics of one resample."""
    predicted = said.argmax(axis=1)
    own = {"sample_weight": weight}
    found = {
        "accuracy": sk.accuracy_score(labels, predicted, **own),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted, **own),
        "macro_f1": sk.f1_score(labels, predicted, average="macro", **own),
        "mcc": sk.matthews_corrcoef(labels, predicted, **own),
        "brier": sk.brier_score_loss(labels, said, labels=[0, 1, 2], **own),
        "log_loss": sk.log_loss(labels, said, **own),
    }
    for name, score in (
        ("precision", sk.precision_score),
        ("recall", sk.recall_score),
        ("f1", sk.f1_score),
    ):
        by_class = score(labels, predicted, average=None, zero_division=0, **own)
        found |= {f"{name}/{NAMES[k]}": value for k, value in enumerate(by_class)}
    for number, name in enumerate(NAMES):
        is_own = labels == number
        score = said[:, number]
        found[f"auroc/{name}"] = sk.roc_auc_score(is_own, score, **own)
        found[f"auprc/{name}"] = sk.average_precision_score(is_own, score, **own)
    return found


def compare_speed(num_images: int, num_groups: int, settings: EvaluateSettings) -> None:
    labels, said, groups = some_predictions(num_images, num_groups, seed=0)
    resamples = draw_groups(groups, labels, settings)
    start = time.process_time()
    ours = resamples.evaluate(figures_of(labels, said, NAMES))
    own_seconds = time.process_time() - start
    start = time.process_time()
    loop = [
        by_scikit_learn(labels, said, row[resamples.codes]) for row in resamples.counts
    ]
    loop_seconds = time.process_time() - start
    apart = max(
        float(np.abs(ours[name] - [row[name] for row in loop]).max())
        for name in loop[0]
    )
    print(
        f"{num_images} images of {num_groups} groups, {settings.num_bootstrap} "
        f"resamples, {len(loop[0])} metrics: {own_seconds:.2f} s against "
        f"{loop_seconds:.1f} s of processor: {loop_seconds / own_seconds:.0f} times as "
        f"fast; largest difference {apart:.1e}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=772)
    parser.add_argument("--groups", type=int, default=36)
    parser.add_argument("--resamples", type=int, default=2000)
    given = parser.parse_args()
    settings = EvaluateSettings(num_bootstrap=given.resamples)
    warnings.simplefilter("ignore")
    compare_speed(given.images, given.groups, settings)


if __name__ == "__main__":
    main()
