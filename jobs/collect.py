"""Last step of `predict`: all answers as one table, counted and reported."""

from jobs.entry import StepContext, main
from lcc.predict.collecting import collect
from lcc.predict.task import PredictTask


def run(context: StepContext) -> None:
    """Put the shards together and report what was answered."""
    collect(PredictTask.of(context), context.tracker)


if __name__ == "__main__":
    main("collect", run)
