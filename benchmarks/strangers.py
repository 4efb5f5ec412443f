"""The rate of false edges between tiles that share no tissue, with its interval.

Verifies the pairs that come nearest to a match and cannot be one: each tile and its
nearest neighbours of other classes by global descriptor. Tails beyond what was seen
follow the generalised Pareto distribution (Pickands 1975; Coles, An Introduction to
Statistical Modeling of Extreme Values, 2001, chapter 4): inliers above 4 of chance
fits, correlations above 0.2 of these fits. Intervals: bootstrap over tiles.
Usage: python benchmarks/strangers.py FAMILIES.csv [--neighbours 30]
"""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import genpareto
from tiles import Tiles, extract_all, in_processes, read_tiles

from lcc.config.data import FamilySettings
from lcc.families.verification import verify_pair

LEAST = 4  # inliers: what three points fix anyway, and one more
FROM_CORRELATION = 0.2
NUM_RESAMPLES = 500
SETTINGS = FamilySettings()
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    parser.add_argument("--neighbours", type=int, default=30)
    arguments = parser.parse_args()
    tiles = read_tiles(arguments.families)
    records, vectors = extract_all(tiles.paths)
    pairs = strange_pairs(tiles, vectors, count=arguments.neighbours)
    blocks = np.array_split(pairs, max(1, len(pairs) // 500))
    found = np.concatenate(in_processes(partial(verify, records), blocks, chunk=1))
    inliers, correlation = found[:, 0].astype(int), found[:, 1]
    print(f"{len(pairs)} pairs of tiles of different classes, nearest first")
    for line in by_inliers(inliers, correlation):
        print(line)
    report(pairs[:, 0], inliers, correlation)


def strange_pairs(tiles: Tiles, vectors: NDArray[np.float16], *, count: int) -> Rows:
    """Return each tile with its nearest of other classes, (m, 2), each pair once."""
    wide = vectors.astype(np.float32)
    found = []
    for label in np.unique(tiles.labels):
        own, other = (
            np.flatnonzero(m) for m in (tiles.labels == label, tiles.labels != label)
        )
        likeness = wide[own] @ wide[other].T
        nearest = np.argpartition(-likeness, count, axis=1)[:, :count]
        found.append(np.stack([np.repeat(own, count), other[nearest].ravel()], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def verify(records: NDArray[np.void], pairs: Rows) -> Floats:
    """Return inliers and correlation of each pair, 0 where no transform fits."""
    lenient = SETTINGS.model_copy(update={"min_inliers": LEAST})
    edges = [
        verify_pair(a, b, features=records.__getitem__, settings=lenient)
        for a, b in pairs.tolist()
    ]
    return np.array([(e.inliers, e.correlation) if e else (0, 0.0) for e in edges])


def by_inliers(inliers: Rows, correlation: Floats) -> Iterator[str]:
    """Yield how the pixels judge chance fits of each number of inliers."""
    for number in np.unique(inliers[inliers >= LEAST]).tolist():
        known = correlation[inliers == number]
        yield (
            f"{number} inliers: {len(known)} chance fits, correlation "
            f"{known.mean():.3f} on average, 99 % below {np.percentile(known, 99):.3f},"
            f" highest {known.max():.3f}"
        )


def report(tile: Rows, inliers: Rows, correlation: Floats) -> None:
    """Print the rate of each judge and of both, with their intervals."""
    draw = np.random.default_rng(0)
    members = [np.flatnonzero(tile == t) for t in np.unique(tile)]
    rates = [rates_of(inliers, correlation)]
    for _ in range(NUM_RESAMPLES):
        drawn = draw.integers(0, len(members), len(members))
        rows = np.concatenate([members[i] for i in drawn])
        rates.append(rates_of(inliers[rows], correlation[rows]))
    names = (
        f"geometry: at least {SETTINGS.min_inliers} inliers",
        f"pixels: correlation of a chance fit at least {SETTINGS.min_correlation}",
        "both: a false edge of a verified pair",
    )
    for name, values in zip(names, np.array(rates).T, strict=True):
        low, high = np.percentile(values[1:], [2.5, 97.5])
        print(f"{name}: {values[0]:.1e} (95 % interval {low:.1e} to {high:.1e})")


def rates_of(inliers: Rows, correlation: Floats) -> tuple[float, float, float]:
    """Return the rate of geometry, that of pixels given geometry, and their product.

    The product holds if the judges are independent: chance fits of more inliers have no
    higher correlation, as `by_inliers` shows.
    """
    chance = inliers[inliers >= LEAST]
    beyond = SETTINGS.min_inliers - LEAST
    geometry = len(chance) / len(inliers) * discrete_tail(chance - LEAST, beyond)
    known = correlation[inliers >= LEAST]
    above = known[known > FROM_CORRELATION] - FROM_CORRELATION
    shape, _, scale = genpareto.fit(above, floc=0)
    reach = SETTINGS.min_correlation - FROM_CORRELATION
    pixels = len(above) / len(known) * float(genpareto.sf(reach, shape, scale=scale))
    pixels = max(pixels, 3 / len(known))  # the rule of three: none was seen in so many
    return geometry, pixels, geometry * pixels


def discrete_tail(excess: Rows, beyond: int) -> float:
    """Return the probability of an excess of at least `beyond`, fitted to counts."""
    numbers, counts = np.unique(excess, return_counts=True)

    def loss(parameters: Floats) -> float:
        shape, scale = parameters[0], np.exp(parameters[1])
        mass = genpareto.sf(numbers, shape, scale=scale) - genpareto.sf(
            numbers + 1, shape, scale=scale
        )
        return float(-(counts * np.log(np.maximum(mass, 1e-300))).sum())

    # A negative shape would end the tail for good; that is not for a sample to say.
    bounds = ((0.0, 1.0), (-5.0, 5.0))
    best = minimize(loss, np.array([0.01, -0.5]), method="Nelder-Mead", bounds=bounds)
    return float(genpareto.sf(beyond, best.x[0], scale=np.exp(best.x[1])))


if __name__ == "__main__":
    main()
