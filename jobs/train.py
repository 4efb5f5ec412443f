"""Entry point of the train step: a model, saved, checked and reported."""

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Train the run's model, or go on with it."""
    from lcc.train.stopping import StopSignal
    from lcc.train.training import train_model

    train_model(
        context.settings,
        context.store,
        run_id=context.run_id,
        tracker=context.tracker,
        scratch=context.scratch,
        is_stopping=StopSignal(),
    )


if __name__ == "__main__":
    main("train", run)
