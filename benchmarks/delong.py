"""Set intervals of the area under the ROC curve beside DeLong's.

With one image a group both should be alike; where images of a group are alike DeLong's
are too narrow. Usage: python benchmarks/delong.py [--images 772] [--groups 36]
Source: DeLong et al., Comparing the areas under two or more correlated receiver
operating characteristic curves, Biometrics 44 (1988).
"""

import argparse

import numpy as np
from bootstrap import NAMES, Values, some_predictions
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.bootstrap import draw_groups, estimate
from lcc.evaluate.metrics import figures_of


def delong(is_own: NDArray[np.bool_], score: Values) -> tuple[float, float]:
    """Return the area under the ROC curve and DeLong's standard error."""
    positive, negative = score[is_own], score[~is_own]
    ranks = rankdata(np.concatenate([positive, negative]))
    m, n = len(positive), len(negative)
    above = (ranks[:m] - rankdata(positive)) / n
    below = 1 - (ranks[m:] - rankdata(negative)) / m
    error = np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n)
    return float(above.mean()), float(error)


def compare_areas(num_images: int, num_groups: int, settings: EvaluateSettings) -> None:
    labels, said, groups = some_predictions(num_images, num_groups, seed=1)
    draws = {
        "each image a group": np.arange(num_images),
        f"{num_groups} groups": groups,
    }
    area, error = delong(labels == 0, said[:, 0])
    half = norm.ppf((1 + settings.confidence) / 2) * error
    print(f"AUROC {area:.4f}, DeLong's {area - half:.4f}–{area + half:.4f}")
    for name, own in draws.items():
        values = draw_groups(own, labels, settings).evaluate(
            figures_of(labels, said, NAMES)
        )
        found = estimate(values[f"auroc/{NAMES[0]}"], settings.confidence)
        print(f"AUROC {found.value:.4f}, bootstrap, {name}: "
              f"{found.lower:.4f}–{found.upper:.4f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=772)
    parser.add_argument("--groups", type=int, default=36)
    given = parser.parse_args()
    settings = EvaluateSettings()
    compare_areas(given.images, given.groups, settings)


if __name__ == "__main__":
    main()
