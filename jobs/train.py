"""Entry point of the train step: a model, saved, checked and reported."""

import logging
import os
import sys

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Train the run's model, or go on with it, alone or with peers."""
    from lcc.train.peers import read_peers
    from lcc.train.stopping import StopSignal
    from lcc.train.training import Place, train_model

    peers = read_peers(os.environ, index=context.index, num_indexes=context.num_indexes)
    place = Place(
        store=context.store,
        run_id=context.run_id,
        tracker=context.tracker,
        scratch=context.scratch,
        peers=peers,
    )
    train_model(context.settings, place, watch_signals=StopSignal)


def leave(code: object) -> None:
    """End this process at once where it failed with peers.

    TensorFlow's own end waits up to 20 s for those that are gone, and they for us.
    """
    if code and "TF_CONFIG" in os.environ:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    try:
        main("train", run)
    except SystemExit as err:
        leave(err.code)
        raise
