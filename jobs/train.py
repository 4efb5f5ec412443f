"""Entry point of the train step: a model, saved, checked and reported."""

import os

from jobs.entry import StepContext, end_without_peers, main


def run(context: StepContext) -> None:
    """Train the run's model, or go on with it, alone or with peers."""
    from lcc.train.peers import read_peers
    from lcc.train.stopping import StopSignal
    from lcc.train.training import Place, train_model

    peers = read_peers(
        os.environ, index=context.process_index, num_indexes=context.num_processes
    )
    place = Place(
        store=context.store,
        run_id=context.run_id,
        tracker=context.tracker,
        scratch=context.scratch,
        peers=peers,
    )
    train_model(context.settings, place, watch_signals=StopSignal)


if __name__ == "__main__":
    try:
        main("train", run)
    except SystemExit as err:
        end_without_peers(err.code)
        raise
