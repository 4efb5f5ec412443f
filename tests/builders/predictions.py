"""Predictions of a model that never was."""

import numpy as np
import pyarrow as pa

from lcc.data.catalogue import SCHEMA, Catalogue
from lcc.evaluate.predictions import Part, Predictions, predictions_of

CLASSES = ("lung_aca", "lung_n", "lung_scc")


def a_table(num_groups: int, images_a_group: int) -> Catalogue:
    """Return a catalogue of groups of one class each, by turns, in three folds."""
    rows = [
        dict.fromkeys(SCHEMA.names)
        | {
            "path": f"{group}-{number}.png",
            "label": CLASSES[group % 3],
            "status": "kept",
            "family": group,
            "group": group,
            "fold": group // 3 % 3,
        }
        for group in range(num_groups)
        for number in range(images_a_group)
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    return Catalogue(name="lung", digest="ab" * 32, table=table)


def some_predictions(
    part: Part,
    *,
    num_groups: int = 30,
    images_a_group: int = 10,
    said: float = 0.9,
    share_right: float = 0.8,
) -> Predictions:
    """Return predictions that are right as often as told, as sure as told.

    Args:
        part: What they are of.
        num_groups: Groups.
        images_a_group: Images of each.
        said: Probability of the class that is taken.
        share_right: Of the images of each group, in steps of one image.
    """
    catalogue = a_table(num_groups, images_a_group)
    labels = catalogue.labels
    place = np.arange(len(labels)) % images_a_group
    is_right = place < round(share_right * images_a_group)
    taken = np.where(is_right, labels, (labels + 1) % 3)
    probabilities = np.full((len(labels), 3), (1 - said) / 2)
    probabilities[np.arange(len(labels)), taken] = said
    return predictions_of(catalogue, catalogue.rows(), probabilities, part=part)
