"""Entry point of the evaluate step: the sealed test split, judged and reported."""

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Judge the model that the settings name."""
    from lcc.data.catalogue import Catalogue
    from lcc.evaluate.evaluation import TrainOn, evaluate_model
    from lcc.train.full_recipe import open_full_recipe, with_recipe

    settings, store = context.settings_alone, context.store

    def open_train_on(catalogue: Catalogue) -> TrainOn:
        own = with_recipe(settings, store)
        recipe = open_full_recipe(own, store, catalogue, scratch=context.scratch)
        return recipe.train_and_predict

    evaluate_model(
        settings,
        store,
        run_id=context.run_id,
        tracker=context.tracker,
        scratch=context.scratch,
        open_train_on=open_train_on,
    )


if __name__ == "__main__":
    main("evaluate", run)
