"""Entry point of the overlap step: is another data set another?"""

from jobs.entry import StepContext, main
from lcc.evaluate.overlap import find_overlap
from lcc.tracking.progress import ProgressPrinter


def run(context: StepContext) -> None:
    """Compare the data set that is to be judged on with the training catalogue."""
    find_overlap(
        context.settings,
        context.store,
        run_id=context.run_id,
        tracker=context.tracker,
        scratch=context.scratch,
        progress=ProgressPrinter,
    )


if __name__ == "__main__":
    main("overlap", run)
