"""Entry point of the train step: a model, saved, checked and reported."""

import os

from jobs.entry import StepContext, end_without_workers, main


def run(context: StepContext) -> None:
    """Train the run's model, or go on with it, alone or with other workers."""
    from lcc.train.training import TrainingRun, train_model
    from lcc.train.workers import read_workers

    workers = read_workers(
        os.environ,
        process_index=context.process_index,
        num_processes=context.num_processes,
    )
    training = TrainingRun(
        store=context.store,
        run_id=context.run_id,
        tracker=context.tracker,
        scratch=context.scratch,
        workers=workers,
    )
    train_model(context.settings, training)


if __name__ == "__main__":
    try:
        main("train", run)
    except SystemExit as err:
        end_without_workers(err.code)
        raise
