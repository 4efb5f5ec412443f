"""What the workers of one training do together, besides their steps.

Knows how bytes come from the chief to all workers, and what TensorFlow says when one of
them is lost; not what the bytes mean.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lcc.errors import UnavailableError
from lcc.train.workers import Workers

NODE_NAME = re.compile(r"\{\{.*?\}\}")  # which operation it was: no news to users
CHUNK = 1 << 24  # words at once: 64 MiB of float32
LOST = (  # what a collective ends with when a worker has gone
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnavailableError,
)


class Collectives:
    """Calls that every worker makes at the same point of the training.

    Args:
        strategy: Over all workers.
        workers: Who they are.
    """

    def __init__(self, strategy: Any, workers: Workers) -> None:
        self.is_chief = workers.is_chief
        self._strategy = strategy
        words = tf.TensorSpec([None], tf.float32)
        self._sum = tf.function(self._sum_everywhere, input_signature=[words])

    def broadcast(self, data: bytes) -> bytes:
        """Return the chief's bytes on every worker; what others pass is ignored."""
        size = np.array([len(data)], np.int64)
        size = self._broadcast_words(size.view(np.uint16)).view(np.int64)
        padded = np.zeros(int(size[0]) // 2 + 1, np.uint16)
        if self.is_chief:
            padded.view(np.uint8)[: len(data)] = np.frombuffer(data, np.uint8)
        chunks = [
            self._broadcast_words(padded[start : start + CHUNK])
            for start in range(0, len(padded), CHUNK)
        ]
        return np.concatenate(chunks).tobytes()[: int(size[0])]

    def wait_for_all(self) -> None:
        """Return once every worker has made this call, so that each may end.

        Raises:
            tf.errors.OpError: A worker was lost before it made the call.
        """
        word = np.zeros(1, np.uint16)
        # 1. All have come: what the chief had to save is saved.
        self._broadcast_words(word)
        # 2. All know it: nobody leaves whom others still need for 1. Who begins this
        #    has come through 1, so that losing it now is no loss.
        with suppress(*LOST):
            self._broadcast_words(word)

    def _broadcast_words(self, words: NDArray[np.uint16]) -> NDArray[np.uint16]:
        # As float32, which holds each of them exactly and which every collective adds.
        return np.asarray(self._sum(words.astype(np.float32))).astype(np.uint16)

    def _sum_everywhere(self, words: Any) -> Any:
        sums = self._strategy.run(_only_from_first, args=(words,))
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)


def _only_from_first(words: Any) -> Any:
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.where(tf.equal(number, 0), words, tf.zeros_like(words))


@contextmanager
def lost_workers_as_unavailable() -> Iterator[None]:
    """Turn TensorFlow's errors about a lost worker into `UnavailableError`.

    Raises:
        UnavailableError: A worker ended or cannot be reached.
    """
    try:
        yield
    except LOST as err:
        reason = NODE_NAME.sub("", str(err.message)).strip().partition("\n")[0]
        message = (
            f"launch.pods: all processes of a training must live to its end, lost one "
            f"({reason}). Started again, all go on from the last checkpoint."
        )
        raise UnavailableError(message) from err
