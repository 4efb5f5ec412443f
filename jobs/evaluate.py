"""Entry point of the evaluate step: the sealed test, or another set, judged."""

from functools import partial

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Judge the model that the settings name, where they say."""
    from lcc.data.catalogue import Catalogue
    from lcc.evaluate.evaluation import evaluate_model
    from lcc.evaluate.outside_run import evaluate_outside
    from lcc.evaluate.predicting import TrainOn
    from lcc.train.full_recipe import open_full_recipe, with_recipe

    settings, store = context.settings_alone, context.store

    def open_train_on(catalogue: Catalogue) -> TrainOn:
        own = with_recipe(settings, store)
        recipe = open_full_recipe(own, store, catalogue, scratch=context.scratch)
        return recipe.train_and_predict

    judge = partial(evaluate_model, open_train_on=open_train_on)
    (judge if settings.evaluate.data is None else evaluate_outside)(
        settings,
        store,
        run_id=context.run_id,
        tracker=context.tracker,
        scratch=context.scratch,
    )


if __name__ == "__main__":
    main("evaluate", run)
