"""Keeps TensorFlow and the converters from telling what they do.

Knows where they talk: logging, warnings, and the standard error of C++ libraries.
"""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

TALKERS = ("absl", "tensorflow", "tf2onnx")
STDERR = 2


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Have nothing but an exception come out of `with`."""
    levels = {name: logging.getLogger(name).level for name in TALKERS}
    for name in TALKERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), _no_stderr():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def start_tensorflow_silently() -> None:
    """Import TensorFlow and have it find its devices, of which it tells at length."""
    with silent_libraries():
        import tensorflow as tf

        tf.config.list_logical_devices()


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Have file descriptor 2 lead nowhere: C++ knows no other."""
    kept, nowhere = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)
