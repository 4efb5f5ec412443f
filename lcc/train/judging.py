"""How good the model is on examples that it does not learn from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from lcc.train.devices import distribute
from lcc.train.input import Examples, ImageSource, judging_batches


@dataclass(frozen=True)
class Judge:
    """Judges examples on all replicas; every process is told the same.

    Attributes:
        judge_batch: From a batch to its share of the loss and its confusion matrix.
        strategy: One device, several replicas, or several processes.
        num_classes: Classes in all.
    """

    judge_batch: Callable[[Any], tuple[Any, Any]]
    strategy: Any
    num_classes: int = field(kw_only=True)

    def __call__(
        self, source: ImageSource, examples: Examples, *, batch_size: int
    ) -> dict[str, float]:
        """Return loss, accuracy and macro F1, by Keras' names."""

        def make(part: tuple[int, int]) -> Any:
            dataset = judging_batches(
                source, examples, batch_size=batch_size, part=part
            )
            # Processes would ask each other before each batch whether it is the last.
            return dataset if part == (0, 1) else dataset.repeat()

        batches = distribute(self.strategy, make, batch_size=batch_size)
        num_batches = -(-len(examples) // batch_size)
        loss, confusion = 0.0, np.zeros((self.num_classes, self.num_classes))
        for batch in islice(batches, num_batches):
            batch_loss, batch_confusion = self.judge_batch(batch)
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
