"""Entry point of the evaluate step: the sealed test split, judged and reported."""

from typing import Any

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Judge the model that the settings name."""
    from lcc.evaluate.evaluation import evaluate_model
    from lcc.train.full_recipe import open_whole_recipe

    def open_train_on(catalogue: Any) -> Any:
        recipe = open_whole_recipe(
            context.settings_alone, context.store, catalogue, scratch=context.scratch
        )
        return recipe.train_and_predict

    evaluate_model(
        context.settings_alone,
        context.store,
        run_id=context.run_id,
        tracker=context.tracker,
        scratch=context.scratch,
        open_train_on=open_train_on,
    )


if __name__ == "__main__":
    main("evaluate", run)
