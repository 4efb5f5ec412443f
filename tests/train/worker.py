"""One worker of a training of several, which may end itself at a step.

Usage: python -m tests.train.worker ROOT INDEX OPTIONS, with LCC_WORKERS and OPTIONS in
JSON.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from lcc.config.settings import Settings
from lcc.config.train import AugmentationSettings, Device
from lcc.errors import LccError
from lcc.storage.local import LocalStore
from lcc.train.collectives import Collectives, lost_workers_as_unavailable
from lcc.train.devices import make_strategy
from lcc.train.loop import Hooks
from lcc.train.training import catch_sigterm
from lcc.train.workers import Workers, read_workers
from tests.builders.trainings import a_loop, some_checkpoints, some_settings


def main(root: Path, index: int, options: dict) -> None:
    addresses = os.environ["LCC_WORKERS"].split(",")
    workers = read_workers(
        os.environ, process_index=index, num_processes=len(addresses)
    )
    train = some_settings(
        epochs=3,
        batch_size=options.get("batch_size", 8),
        checkpoint_minutes=1e-9,  # after every step
        device=Device.CPU,
        # The tolerance of one device against many is that of plain batches.
        augmentation=AugmentationSettings(enabled=options.get("augmented", False)),
    )
    launch = {"gpus": options.get("gpus", 1), "pods": len(addresses)}
    settings = Settings.model_validate({"launch": launch, "train": train.model_dump()})
    try:
        with lost_workers_as_unavailable():
            fit(root, settings, workers, options)
    except LccError as err:
        sys.stderr.write(f"{err}\n")
        sys.stderr.flush()
        os._exit(err.exit_code)  # as jobs.train


def fit(root: Path, settings: Settings, workers: Workers, options: dict) -> None:
    index = workers.index
    strategy = make_strategy(settings, workers)
    collectives = Collectives(strategy, workers)

    def progress(step: int) -> None:
        if step == options.get("step") and index == options.get("victim"):
            (root / "ended").write_text(str(time.time()))
            os.kill(os.getpid(), getattr(signal, options["signal"]))

    digest = options.get("digest", "same")
    checkpoints = some_checkpoints(LocalStore(root), digest=digest)
    folder = root / f"{index}"
    folder.mkdir(exist_ok=True)
    loop = a_loop(
        folder,
        strategy,
        settings=settings.train,
        hooks=Hooks(
            checkpoints=checkpoints if collectives.is_chief else None,
            progress=progress,
            is_stopping=catch_sigterm(),
            collectives=collectives,
        ),
        dropout=options.get("dropout", 0.0),
        batch_normalization=options.get("batch_normalization", False),
    )
    loop.run()
    np.savez(folder / "weights.npz", *loop.model.get_weights())
    (folder / "history.json").write_text(json.dumps(loop.history))
    collectives.wait_for_all()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
