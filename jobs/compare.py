"""Entry point of the compare step: all turns of a study, in one report."""

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Put together the evaluations that the settings name."""
    from lcc.evaluate.comparison import compare_turns

    settings = context.settings
    compare_turns(
        settings.evaluate.turns or {},
        context.store,
        axis=settings.data.leave_out or "turn",
        run_id=context.run_id,
        tracker=context.tracker,
    )


if __name__ == "__main__":
    main("compare", run)
