"""Loss, accuracy and macro F1 of a model on examples that it does not learn from."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np

from lcc.train.devices import distribute
from lcc.train.input import WHOLE, Examples, ImageSource, Shard, validation_batches


def validate(
    validate_batch: Callable[[Any], tuple[Any, Any]],
    strategy: Any,
    source: ImageSource,
    examples: Examples,
    *,
    batch_size: int,
    num_classes: int,
) -> dict[str, float]:
    """Return loss, accuracy and macro F1 by Keras' names, the same on every worker.

    Args:
        validate_batch: From a batch to its share of the mean loss and its (num_classes,
            num_classes) confusion matrix.
        strategy: One device, several replicas, or several workers.
        source: Where the examples come from.
        examples: Each is counted once.
        batch_size: Global.
        num_classes: Classes in all.
    """

    def make(shard: Shard) -> Any:
        dataset = validation_batches(
            source, examples, batch_size=batch_size, shard=shard
        )
        # Workers would ask each other before each batch whether it is the last.
        return dataset if shard == WHOLE else dataset.repeat()

    batches = distribute(strategy, make, batch_size=batch_size)
    num_batches = -(-len(examples) // batch_size)
    loss, confusion = 0.0, np.zeros((num_classes, num_classes))
    for batch in islice(batches, num_batches):
        batch_loss, batch_confusion = validate_batch(batch)
        loss += float(batch_loss)
        confusion += np.asarray(batch_confusion)
    return {
        "val_loss": loss,
        "val_accuracy": float(np.trace(confusion) / confusion.sum()),
        "val_macro_f1": macro_f1(confusion),
    }


def macro_f1(confusion: Any) -> float:
    """Return the mean F1 over classes of a confusion matrix (true × predicted).

    A class that neither occurs nor is predicted counts as 0, as in scikit-learn.

    Example:
        >>> macro_f1(np.array([[2, 0], [0, 2]]))
        1.0
    """
    hits = np.diag(confusion)
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float(np.mean(2 * hits / np.maximum(total, 1e-12)))
