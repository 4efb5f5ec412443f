"""Entry point of the trial step: a share of the grid × folds."""

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Run the trials of one process that have no result yet."""
    from lcc.train.training import TrainingRun
    from lcc.train.trials import run_trials

    search = TrainingRun(
        store=context.store,
        run_id=context.run_id,
        tracker=context.tracker,
        scratch=context.scratch,
    )
    run_trials(
        context.settings_alone,
        search,
        process_index=context.process_index,
        num_processes=context.num_processes,
    )


if __name__ == "__main__":
    main("trial", run)
