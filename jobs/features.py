"""Entry point of the features step: features of a frozen backbone, once per tile."""

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Compute the shards of one process that are not there yet."""
    from lcc.train.features_step import run_features

    run_features(
        context.settings_alone,
        context.store,
        scratch=context.scratch,
        process_index=context.process_index,
        num_processes=context.num_processes,
    )


if __name__ == "__main__":
    main("features", run)
