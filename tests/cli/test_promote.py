"""`promote` and `rollback` on a real registry: the alias moves through the gate."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lcc.cli.main import cli
from lcc.evaluate.predictions import Part
from lcc.storage.local import LocalStore
from tests.builders.predictions import some_predictions
from tests.builders.registered import (
    an_evaluated_model,
    evaluation_of,
    full_card,
    mlflow_of,
    worse_on,
)

MODEL = "lcc-tile-classifier"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="lcc-launch")


@pytest.fixture
def store() -> LocalStore:
    """Return the root of the working folder, with a card to answer all questions."""
    Path("card.yaml").write_text(full_card())
    return LocalStore(Path("lcc-study"))


def promote(*arguments: str) -> Result:
    settings = ("evaluate.card=card.yaml", "evaluate.num_bootstrap=200")
    return run("promote", *arguments, *(w for s in settings for w in ("--set", s)))


def champion(store: LocalStore) -> str | None:
    found = mlflow_of(store).find_version("champion")
    return found and found.run_id


def test_a_model_that_passes_is_champion_and_its_card_the_description(
    store: LocalStore,
):
    model_run = an_evaluated_model(store, 1)

    result = promote()

    assert result.exit_code == 0, result.output
    assert (
        f"champion of {MODEL}: version 1 ({model_run}), before: none" in result.output
    )
    client = mlflow_of(store)._client
    version = client.get_model_version_by_alias(MODEL, "champion")
    assert version.tags["lcc.evaluation"] == evaluation_of(1)
    assert version.description.startswith(f"# Model card: {model_run}")
    assert "**MISSING**" not in version.description
    assert store.read(f"runs/{evaluation_of(1)}/data_sheet.md").startswith(b"# Data")
    [run_] = client.search_runs(
        [client.get_experiment_by_name("lcc").experiment_id],
        f"tags.`lcc.run` = '{evaluation_of(1)}'",
    )
    files = {item.path for item in client.list_artifacts(run_.info.run_id)}
    assert {"model_card.md", "data_sheet.md"} <= files


def test_all_reasons_against_a_model_are_told_and_the_alias_stays(store: LocalStore):
    an_evaluated_model(store, 1, above=0.01, error=0.2)

    result = run("promote", "--set", "evaluate.num_bootstrap=200")

    assert result.exit_code == 4
    reasons = result.stderr.splitlines()
    assert [
        line.removeprefix("Error: ").strip().partition(":")[0] for line in reasons
    ] == [
        "better than every baseline",
        "calibrated",
        "cards complete",
        "The champion stays.",
    ]
    assert champion(store) is None


def test_force_needs_a_reason_and_keeps_it_with_what_it_overruled(store: LocalStore):
    model_run = an_evaluated_model(store, 1, above=0.01)

    refused = promote("--force")
    result = promote("--force", "--reason", "a pilot, no patients")

    assert (refused.exit_code, result.exit_code) == (2, 0)
    assert "--force: needs --reason, got none" in refused.stderr
    assert champion(store) == model_run
    [change] = mlflow_of(store).champion_history()
    assert change.why == "a pilot, no patients"
    assert change.overruled[0].startswith("better than every baseline: ")
    assert "@" in change.who
    model = mlflow_of(store)._client.get_registered_model(MODEL)
    assert json.loads(model.tags["lcc.champion.0001"])["after"] == 1


def test_a_worse_model_does_not_take_the_alias_and_a_better_one_does(
    store: LocalStore,
):
    said = some_predictions(Part.TEST)
    first = an_evaluated_model(store, 1, predictions=worse_on(said, 3))
    assert promote().exit_code == 0
    an_evaluated_model(store, 2, predictions=worse_on(said, 6))
    third = an_evaluated_model(store, 3)

    worse = promote(evaluation_of(2))

    assert worse.exit_code == 4
    assert "not worse than the champion" in worse.stderr
    assert champion(store) == first
    assert promote(third).exit_code == 0
    assert champion(store) == third


def test_a_champion_of_another_test_is_said_and_refused(store: LocalStore):
    first = an_evaluated_model(store, 1)
    assert promote().exit_code == 0
    other = some_predictions(Part.TEST, num_groups=33)
    an_evaluated_model(store, 2, predictions=other)

    result = promote()

    assert result.exit_code == 4
    assert f"{first} was judged on another test" in result.stderr


def test_rollbacks_lead_back_one_champion_each_and_are_kept(store: LocalStore):
    runs = [an_evaluated_model(store, number) for number in (1, 2, 3)]
    for model_run in runs:
        assert promote(model_run).exit_code == 0

    back = run("rollback", "--reason", "slow")
    again = run("rollback")
    end = run("rollback")

    assert (back.exit_code, again.exit_code, end.exit_code) == (0, 0, 3)
    assert f"version 2 ({runs[1]}), before: version 3" in back.stdout
    assert champion(store) == runs[0]
    assert "must have had another version before, got version 1 alone" in end.stderr
    history = run("promote", "--history").stdout.splitlines()
    assert len(history) == 5
    assert "rollback" in history[3]
    assert history[3].endswith(": slow")


def test_a_model_that_is_champion_stays_and_nothing_is_noted(store: LocalStore):
    an_evaluated_model(store, 1)
    promote()

    result = promote()

    assert result.exit_code == 0
    assert result.stdout.endswith("as before\n")
    assert len(mlflow_of(store).champion_history()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(
            (), 3, "must hold an evaluation that is done, got none", id="nothing"
        ),
        pytest.param(("train-x",), 3, "train-x", id="unknown run"),
    ],
)
def test_what_is_not_there_is_said(
    store: LocalStore, arguments: tuple[str, ...], code: int, message: str
):
    result = run("promote", "--local", *arguments)

    assert (result.exit_code, message in result.stderr) == (code, True), result.output


def test_a_card_with_faults_moves_nothing(store: LocalStore):
    an_evaluated_model(store, 1)
    Path("card.yaml").write_text("model: {licensee: MIT}")

    faulty, absent = promote(), run("promote", "--set", "evaluate.card=no.yaml")

    assert (faulty.exit_code, absent.exit_code) == (2, 3)
    assert "Did you mean model.licence?" in faulty.stderr
    assert "no.yaml: not found" in absent.stderr
    assert champion(store) is None


def test_an_empty_card_is_printed():
    result = run("promote", "--empty-card")

    assert result.exit_code == 0
    assert "  intended_use:\n" in result.stdout
