"""Second step of `predict`: the answers of some shards."""

from jobs.entry import StepContext, main
from lcc.predict.steps import answer_shards
from lcc.predict.task import PredictTask


def run(context: StepContext) -> None:
    """Answer the shards of this process that are not there yet."""
    answer_shards(
        PredictTask.of(context),
        process_index=context.process_index,
        num_processes=context.num_processes,
    )


if __name__ == "__main__":
    main("predict", run)
