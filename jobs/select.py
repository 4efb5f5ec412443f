"""Entry point of the select step: all trials to a table and the best point."""

from jobs.entry import StepContext, main
from lcc.config.commands import command_line
from lcc.data.catalogue import read_split_rules
from lcc.errors import RunFailed
from lcc.search.select import choose_best, parse_result, tabulate, write_csv
from lcc.search.trial import trial_ids
from lcc.storage import layout


def run(context: StepContext) -> None:
    """Choose the best point of the run's trials."""
    store, run_id = context.store, context.run_id
    ids = trial_ids(context.settings)
    keys = [layout.trial(run_id, name) for name in ids]
    found = [key for key in keys if store.exists(key)]
    if len(found) < len(keys):
        rest = f"For the others: {command_line('resume', run_id)}"
        message = f"{run_id}: must have {len(keys)} trials, got {len(found)}. {rest}"
        raise RunFailed(message)
    results = [parse_result(store.read(key)) for key in keys]
    rules = read_split_rules(store, context.settings.data)
    table = write_csv(tabulate(results, rules=rules)).encode()
    store.write(layout.search_table(run_id), table)
    context.tracker.log_artifact("cv_results.csv", layout.search_table(run_id))
    best = choose_best(results, trial_ids=ids)
    if best is None:
        message = f"{run_id}: every point has a failed trial, see cv_results.csv."
        raise RunFailed(message)
    store.write(layout.best_point(run_id), best.dump())
    context.tracker.log_artifact("best.json", layout.best_point(run_id))
    context.tracker.log_params({f"best.{k}": v for k, v in best.point.items()})
    context.tracker.log_metrics(
        {"validation/macro_f1": best.mean, "search/failed_trials": best.num_failed}
    )


if __name__ == "__main__":
    main("select", run)
