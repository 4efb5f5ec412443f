"""Find the labels that deserve a second look: by family, from labels and predictions.

Knows out-of-fold predictions and families; draws nothing. The sealed test is left out:
who mends its labels by what a model says lets the model look better than it is.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import Catalogue
from lcc.evaluate.bootstrap import (
    Estimate,
    Floats,
    Ints,
    draw_groups,
    estimate,
    majority,
)
from lcc.evaluate.label_issues import IssueKind, LabelIssue, LabelIssues
from lcc.evaluate.predictions import Predictions
from lcc.evaluate.units import mean_by

HALF = 0.5  # of the probability: less, and all other classes together are likelier
MIN_CLASSES = 2  # of one class no image can be of another


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFamilies:
    """What models said of families that they had not seen, a row for each.

    Attributes:
        codes: (f,) family numbers, ascending.
        groups: (f,) group numbers.
        labels: (f,) class numbers.
        said: (f, classes) mean probability over its images.
        votes: (f, classes) images whose likeliest class it is.
        class_names: Of the columns.
    """

    codes: Ints
    groups: Ints
    labels: Ints
    said: Floats
    votes: Ints
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of families."""
        return len(self.codes)


def ask_families(predictions: Predictions) -> AskedFamilies:
    """Return what was said of each family, the mean over its images.

    Args:
        predictions: Calibrated, of images that the models had not seen.
    """
    codes, first, places = np.unique(
        predictions.families, return_index=True, return_inverse=True
    )
    said = predictions.calibrated
    votes = np.zeros((len(codes), len(predictions.class_names)), np.int64)
    np.add.at(votes, (places, said.argmax(axis=1)), 1)
    return AskedFamilies(
        codes=codes,
        groups=predictions.groups[first],
        labels=majority(places, predictions.labels) if len(codes) else codes,
        said=mean_by(places, said),
        votes=votes,
        class_names=predictions.class_names,
    )


def find_issues(
    catalogue: Catalogue,
    asked: AskedFamilies,
    *,
    mixed: Collection[int],
    settings: EvaluateSettings,
) -> LabelIssues:
    """Return the families whose labels deserve a look.

    A family is one case, and of one kind.

    Args:
        catalogue: The data set.
        asked: What models said of its families; none where nothing is out of fold.
        mixed: Families of several labels, as `prepare` found them.
        settings: Resamples of groups, mass of the interval, seed.
    """
    files = _files(catalogue)
    is_mixed = np.isin(asked.codes, list(mixed))
    is_outlier = (asked.said < HALF).all(axis=1) & ~is_mixed
    is_doubted = np.zeros(len(asked), bool)
    is_doubted[~is_mixed] = doubt(asked.labels[~is_mixed], asked.said[~is_mixed])
    is_doubted &= ~is_outlier  # where even right answers are unsure, all look confident
    is_other = asked.said.argmax(axis=1) != asked.labels
    is_missed = is_other & ~is_doubted & ~is_outlier & ~is_mixed
    place = {code: n for n, code in enumerate(asked.codes.tolist())}
    found = [
        _two_labels(catalogue, files[code], asked, place.get(code)) for code in mixed
    ]
    found += [
        _missed(asked, n, kind=kind, files=files)
        for kind, own in ((IssueKind.LABEL, is_doubted), (IssueKind.MISSED, is_missed))
        for n in np.flatnonzero(own).tolist()
    ]
    found += [
        _outlier(asked, n, files=files) for n in np.flatnonzero(is_outlier).tolist()
    ]
    order = list(IssueKind)
    found.sort(key=lambda one: (order.index(one.kind), one.score, one.family))
    return LabelIssues(
        issues=tuple(found),
        num_families=len(asked),
        num_groups=len(np.unique(asked.groups)),
        num_missed=int(is_other.sum()),
        doubted=_share(is_doubted, asked, settings) if len(asked) else None,
    )


def doubt(labels: Ints, said: Floats) -> NDArray[np.bool_]:
    """Return (n,) whether another class than the label is confidently said of each.

    Confidently: with at least the mean probability that what is labelled so gets; of
    several such classes the likeliest counts, and it must be the likeliest of all.
    At most those that the models get wrong, and none where they are always right.
    Source: Northcutt, Jiang and Chuang, Confident learning, JAIR 70 (2021), section
    3.1, equations 1 and 2; cleanlab's `confident_learning`.

    Args:
        labels: (n,) class numbers.
        said: (n, classes) probabilities of models that had not seen these.
    """
    if len(np.unique(labels)) < MIN_CLASSES:
        return np.zeros(len(labels), bool)
    from cleanlab.filter import find_label_issues

    found = find_label_issues(
        labels,
        said,
        filter_by="confident_learning",
        n_jobs=1,  # by default it forks, and TensorFlow's threads do not survive that
    )
    return np.asarray(found, bool)


def _share(
    is_doubted: NDArray[np.bool_], asked: AskedFamilies, settings: EvaluateSettings
) -> Estimate:
    counted = is_doubted.astype(np.float64)
    drawn = draw_groups(asked.groups, asked.labels, settings).evaluate(
        lambda weights: {"share": weights @ counted / weights.sum(axis=1)}
    )
    return estimate(drawn["share"], settings.confidence)


def _files(catalogue: Catalogue) -> dict[int, tuple[int, ...]]:
    """Return family → rows of all its readable files, in the order of paths."""
    families = catalogue.families
    order = np.argsort(families, kind="stable")
    codes, starts = np.unique(families[order], return_index=True)
    parts = np.split(order, starts[1:])
    return {
        code: tuple(part.tolist())
        for code, part in zip(codes.tolist(), parts, strict=False)
        if code >= 0
    }


def _two_labels(
    catalogue: Catalogue, rows: Sequence[int], asked: AskedFamilies, place: int | None
) -> LabelIssue:
    counts = Counter(str(catalogue.table["label"][row]) for row in rows)
    said = {} if place is None else _said(asked, place)
    most = max(counts.values())
    first = [name for name, count in counts.items() if count == most]
    suggested = max(first, key=lambda name: said.get(name, 0.0))
    shown = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    return LabelIssue(
        kind=IssueKind.TWO_LABELS,
        family=int(catalogue.families[rows[0]]),
        group=int(catalogue.groups[rows[0]]),
        suggested=suggested if said or len(first) == 1 else "",
        scores={name: count / len(rows) for name, count in counts.items()},
        said=said,
        why=f"images of one source have several labels: {shown}",
        rows=tuple(rows),
    )


def _missed(
    asked: AskedFamilies,
    place: int,
    *,
    kind: IssueKind,
    files: Mapping[int, tuple[int, ...]],
) -> LabelIssue:
    code, said = int(asked.codes[place]), _said(asked, place)
    suggested = next(iter(said))
    label = asked.class_names[asked.labels[place]]
    number = asked.class_names.index(suggested)
    votes = asked.votes[place]
    like = asked.said[asked.labels == number, number].mean()
    return LabelIssue(
        kind=kind,
        family=code,
        group=int(asked.groups[place]),
        suggested=suggested,
        scores={label: said[label]},
        said=said,
        why=(
            f"models that had not seen it give {suggested} {said[suggested]:.2f} and "
            f"{label} {said[label]:.2f} ({suggested} comes first in {votes[number]} of "
            f"{votes.sum()} images); families labelled {suggested} get {like:.2f} on "
            "average"
        ),
        rows=files[code],
    )


def _outlier(
    asked: AskedFamilies, place: int, *, files: Mapping[int, tuple[int, ...]]
) -> LabelIssue:
    code, said = int(asked.codes[place]), _said(asked, place)
    first = next(iter(said))
    label = asked.class_names[asked.labels[place]]
    return LabelIssue(
        kind=IssueKind.OUTLIER,
        family=code,
        group=int(asked.groups[place]),
        suggested=first,
        scores={label: said[first]},
        said=said,
        why=(
            f"to models that had not seen it no class is likelier than all others "
            f"together: {first} comes first with {said[first]:.2f}"
        ),
        rows=files[code],
    )


def _said(asked: AskedFamilies, place: int) -> dict[str, float]:
    """Return the probability of each class of a family, the likeliest first."""
    order = np.argsort(-asked.said[place], kind="stable").tolist()
    return {asked.class_names[n]: float(asked.said[place, n]) for n in order}
