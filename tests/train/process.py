"""A training that ends itself at a step, as a power cut or a cluster would.

Usage: python -m tests.train.process ROOT SIGNAL STEP; step 0 lets it run to its end.
"""

import os
import signal
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from lcc.config.train import AugmentationSettings
from lcc.errors import Stopped
from lcc.storage.local import LocalStore
from lcc.train.loop import Hooks
from lcc.train.training import catch_sigterm
from tests.builders.trainings import a_loop, some_checkpoints, some_data, some_settings


def main(root: Path, number: int, last_step: int) -> None:
    tf.config.experimental.enable_op_determinism()
    store = LocalStore(root)
    settings = some_settings(
        epochs=6,
        learning_rate=0.05,
        checkpoint_minutes=1e-9,  # after every step
        reduce_lr_patience=1,
        early_stopping_patience=None,
        augmentation=AugmentationSettings(),
    )

    def progress(step: int) -> None:
        if step == last_step:
            os.kill(os.getpid(), number)

    loop = a_loop(
        root,
        tf.distribute.get_strategy(),
        settings=settings,
        data=some_data(noise=250),  # too noisy to learn: the rate drops early
        hooks=Hooks(
            checkpoints=some_checkpoints(store),
            progress=progress,
            is_stopping=catch_sigterm(),
        ),
        dropout=0.3,
    )
    try:
        loop.run()
    except Stopped as err:
        sys.exit(err.exit_code)
    np.savez(root / "weights.npz", *loop.model.get_weights())
    rates = [epoch["learning_rate"] for epoch in loop.history]
    np.save(root / "rates.npy", rates)


if __name__ == "__main__":
    main(Path(sys.argv[1]), getattr(signal, sys.argv[2]), int(sys.argv[3]))
