"""Expected calibration error beside a reference, and what chance adds to it.

The reference is `uncertainty-calibration` (Kumar et al. 2019): equal-mass bins, and the
error less what drawing anew adds to it. Labels are drawn from the probabilities that
are said, where the true error is 0, or from others whose squares, made to sum to one,
are said: a model that is too sure. The truth is that of a million images.
Usage: python benchmarks/ece.py [--images 100 772] [--rounds 50]
"""

import argparse
import warnings

import calibration
import numpy as np
from bootstrap import Values

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.calibration import NUM_BINS, measure_reliability

SETTINGS = EvaluateSettings(num_bootstrap=300)


def draw(count: int, seed: int, *, power: float) -> tuple[Values, Values]:
    """Return what a model says, and the labels; at power 1 it is right as it says."""
    random = np.random.default_rng(seed)
    true = random.dirichlet([2, 1, 1], count)
    drawn = (random.random((count, 1)) > true.cumsum(axis=1)).sum(axis=1)
    said = true**power
    return said / said.sum(axis=1, keepdims=True), np.minimum(drawn, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[100, 772])
    parser.add_argument("--rounds", type=int, default=50)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of its own deprecated calls
    off = 0.0
    for power in (1.0, 2.0):
        true = calibration.get_ece_em(*draw(1_000_000, 0, power=power))
        for count in arguments.images:
            rows = []
            for seed in range(1, arguments.rounds + 1):
                said, labels = draw(count, seed, power=power)
                own = measure_reliability(
                    said, labels, np.arange(count), settings=SETTINGS
                )
                theirs = calibration.get_ece_em(said, labels, num_bins=NUM_BINS)
                less = calibration.get_top_calibration_error(said, labels, p=1)
                off = max(off, abs(own.plain - theirs))
                covers = own.error.lower <= true <= own.error.upper
                rows.append((own.plain, own.error.value, less, covers))
            plain, ours, less, covers = np.mean(rows, axis=0)
            print(
                f"true {true:.3f}, {count} images: plain {plain:.3f}, less chance "
                f"{ours:.3f} (theirs {less:.3f}), true one in our interval {covers:.2f}"
            )
    print(f"plain error, largest difference to the reference: {off:.0e}")


if __name__ == "__main__":
    main()
