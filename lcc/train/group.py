"""What the processes of one training do together, besides their steps.

Knows how bytes come from the chief to all, and what TensorFlow says when a peer is
lost; not what the bytes mean.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lcc.errors import UnavailableError
from lcc.train.peers import Peers

GRAPH_PLACE = re.compile(
    r"\{\{.*?\}\}"
)  # which operation it was: all the same to users
CHUNK = 1 << 24  # words at once: 64 MiB of float32
LOST = (  # what a collective ends with when a peer has gone
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnavailableError,
)


class Group:
    """The processes of one training.

    Args:
        strategy: Over all of them.
        peers: Who they are.
    """

    def __init__(self, strategy: Any, peers: Peers) -> None:
        self.is_chief = peers.is_chief
        self._strategy = strategy
        words = tf.TensorSpec([None], tf.float32)
        self._sum = tf.function(self._sum_everywhere, input_signature=[words])

    def share(self, data: bytes) -> bytes:
        """Return the chief's bytes on every process; what others pass is ignored."""
        size = np.array([len(data)], np.int64)
        size = self._share_words(size.view(np.uint16)).view(np.int64)
        padded = np.zeros(int(size[0]) // 2 + 1, np.uint16)
        if self.is_chief:
            padded.view(np.uint8)[: len(data)] = np.frombuffer(data, np.uint8)
        parts = [
            self._share_words(padded[start : start + CHUNK])
            for start in range(0, len(padded), CHUNK)
        ]
        return np.concatenate(parts).tobytes()[: int(size[0])]

    def part(self) -> None:
        """Return once every process has come here, and may leave.

        Raises:
            tf.errors.OpError: A process was lost before it came.
        """
        word = np.zeros(1, np.uint16)
        # 1. All have come: what the chief had to save is saved.
        self._share_words(word)
        # 2. All know it: nobody leaves whom others still need for 1. Who begins this
        #    has come through 1, so that losing it now is no loss.
        with suppress(*LOST):
            self._share_words(word)

    def _share_words(self, words: NDArray[np.uint16]) -> NDArray[np.uint16]:
        # As float32, which holds each of them exactly and which every collective adds.
        return np.asarray(self._sum(words.astype(np.float32))).astype(np.uint16)

    def _sum_everywhere(self, words: Any) -> Any:
        sums = self._strategy.run(_only_from_first, args=(words,))
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)


def _only_from_first(words: Any) -> Any:
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.where(tf.equal(number, 0), words, tf.zeros_like(words))


@contextmanager
def losing_peers() -> Iterator[None]:
    """Turn TensorFlow's errors about lost peers into our own.

    Raises:
        UnavailableError: A peer ended or cannot be reached.
    """
    try:
        yield
    except LOST as err:
        reason = GRAPH_PLACE.sub("", str(err.message)).strip().partition("\n")[0]
        message = (
            f"launch.pods: all processes of a training must live to its end, lost one "
            f"({reason}). Started again, all go on from the last checkpoint."
        )
        raise UnavailableError(message) from err
