"""Entry point of the trial step: a share of the grid × folds."""

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Run the trials of one process that have no result yet."""
    from lcc.train.trials import run_trials

    run_trials(
        context.settings_alone,
        context.store,
        run_id=context.run_id,
        tracker=context.tracker,
        scratch=context.scratch,
        part=(context.process_index, context.num_processes),
    )


if __name__ == "__main__":
    main("trial", run)
