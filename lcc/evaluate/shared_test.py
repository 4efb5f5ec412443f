"""The images that several evaluations judged: a test that all have, or what they share.

Knows what evaluations predicted, and by what images are known again; reads nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lcc.errors import ConfigError, DataError
from lcc.evaluate.bootstrap import Floats, Ints
from lcc.evaluate.pairs import Rival, SharedTest
from lcc.evaluate.predictions import Predictions, check_numbers

Key = tuple[str, str]  # path, and digest of the bytes where catalogues differ


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What one evaluation left.

    Attributes:
        run_id: The evaluation.
        dataset: Name of the data set.
        catalogue: Digest of its catalogue.
        predictions: Of the test, by the model that was judged.
        baselines: Of the test, by name.
        read_digests: Returns the digest of each image's bytes, by path; asked only
            where catalogues differ.
    """

    run_id: str
    dataset: str
    catalogue: str
    predictions: Predictions
    baselines: Mapping[str, Predictions]
    read_digests: Callable[[], Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What can be compared.

    Attributes:
        test: The images that all evaluations judged.
        rivals: The models, and the baselines of the first evaluation that has some.
        left_out: Images that an evaluation judged and another did not, by evaluation.
    """

    test: SharedTest
    rivals: Sequence[Rival]
    left_out: Mapping[str, int]


def share_test(evaluations: Sequence[Judged], *, is_common: bool) -> Shared:
    """Return the images that evaluations share, and what each model said of them.

    An image is known again by its path in one catalogue; among several by its path and
    the digest of its bytes. What one of several catalogues holds for one group stays
    one.

    Args:
        evaluations: At least one.
        is_common: Whether those of different tests are compared on shared images.

    Raises:
        ConfigError: Tests or classes differ, or no image is shared.
        DataError: A probability is no number, or an image has two labels.
    """
    first = evaluations[0]
    for own in evaluations:
        check_numbers(
            own.predictions,
            of=f"run {own.run_id}",
            remedy="Leave this run out, or judge a model that gives some.",
        )
        _check_classes(first, own)
    is_one = all(own.catalogue == first.catalogue for own in evaluations)
    keys = [_keys(own, is_one=is_one) for own in evaluations]
    if not is_common:
        _check_same(evaluations, keys)
    shared = [key for key in keys[0] if all(key in own for own in keys[1:])]
    if not shared:
        raise ConfigError(_nothing_shared(evaluations))
    rows = [np.array([own[key] for key in shared], np.int64) for own in keys]
    labels = _labels(evaluations, rows)
    test = SharedTest(
        labels=np.array([first.predictions.class_names.index(name) for name in labels]),
        groups=_groups(evaluations, rows),
        class_names=first.predictions.class_names,
    )
    paths = [path for path, _ in shared]
    return Shared(
        test=test,
        rivals=list(_rivals(evaluations, paths, test.class_names)),
        left_out={
            own.run_id: len(own.predictions) - len(shared)
            for own in evaluations
            if len(own.predictions) > len(shared)
        },
    )


def _keys(own: Judged, *, is_one: bool) -> dict[Key, int]:
    """Return the row of each image, by what it is known by."""
    paths = own.predictions.table["path"].to_pylist()
    digests = {} if is_one else own.read_digests()
    return {(path, digests.get(path, "")): row for row, path in enumerate(paths)}


def _check_classes(first: Judged, own: Judged) -> None:
    one, other = first.predictions.class_names, own.predictions.class_names
    if set(one) != set(other):
        message = (
            f"runs: must know the same classes, got {first.run_id} of {', '.join(one)} "
            f"and {own.run_id} of {', '.join(other)}. Leave one of them out."
        )
        raise ConfigError(message)


def _check_same(
    evaluations: Sequence[Judged], keys: Sequence[Mapping[Key, int]]
) -> None:
    first = evaluations[0]
    for own, found in zip(evaluations, keys, strict=True):
        if own.catalogue != first.catalogue or found.keys() != keys[0].keys():
            message = (
                f"runs: must be judged on the same test, got {_described(first)} and "
                f"{_described(own)}. Leave one of them out, or compare them on the "
                "images that all tests hold: --common"
            )
            raise ConfigError(message)


def _described(own: Judged) -> str:
    return (
        f"{own.run_id} on {own.dataset} {own.catalogue[:12]} "
        f"({len(own.predictions):,} images)"
    )


def _nothing_shared(evaluations: Sequence[Judged]) -> str:
    return (
        "--common: tests must share images of the same path and bytes, got none for "
        f"{', '.join(_described(own) for own in evaluations)}. Leave one of them out."
    )


def _labels(evaluations: Sequence[Judged], rows: Sequence[Ints]) -> list[str]:
    """Return the label of each shared image.

    Raises:
        DataError: Evaluations disagree.
    """
    first, *others = (
        own.predictions.table["label"].take(taken).to_pylist()
        for own, taken in zip(evaluations, rows, strict=True)
    )
    for own, labels in zip(evaluations[1:], others, strict=True):
        pairs = zip(first, labels, strict=True)
        if num_other := sum(one != other for one, other in pairs):
            message = (
                f"labels: must be the same in all tests, got {num_other:,} shared "
                f"images with another in {own.run_id} than in "
                f"{evaluations[0].run_id}. Leave one of them out."
            )
            raise DataError(message)
    return list(first)


def _groups(evaluations: Sequence[Judged], rows: Sequence[Ints]) -> Ints:
    """Return groups of which no evaluation's is divided."""
    found = [
        own.predictions.groups[taken]
        for own, taken in zip(evaluations, rows, strict=True)
    ]
    size = len(found[0])
    firsts, images = [], []  # an edge from each image to the first one of its group
    for groups in found:
        _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
        firsts.append(first[codes])
        images.append(np.arange(size))
    edges = (np.concatenate(firsts), np.concatenate(images))
    graph = coo_array((np.ones(len(edges[0])), edges), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _rivals(
    evaluations: Sequence[Judged], paths: Sequence[str], class_names: Sequence[str]
) -> Iterator[Rival]:
    for own in evaluations:
        said = _said(own.predictions, paths, class_names)
        yield Rival(name=own.run_id, is_baseline=False, probabilities=said)
    baselines = next((own.baselines for own in evaluations if own.baselines), {})
    for name, predictions in baselines.items():
        said = _said(predictions, paths, class_names)
        yield Rival(name=name, is_baseline=True, probabilities=said)


def _said(
    predictions: Predictions, paths: Sequence[str], class_names: Sequence[str]
) -> Floats:
    """Return (n, classes) calibrated probabilities of images, in one order for all."""
    row_of = {p: row for row, p in enumerate(predictions.table["path"].to_pylist())}
    columns = [predictions.class_names.index(name) for name in class_names]
    return predictions.calibrated[[row_of[path] for path in paths]][:, columns]
