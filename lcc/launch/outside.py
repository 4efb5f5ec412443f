"""Completes the settings of an evaluation on another data set.

Knows runs and the data sets of the root; not what is in an image.
"""

import json
from collections.abc import Mapping
from difflib import get_close_matches

from lcc.config.commands import command_line
from lcc.config.evaluate import is_place
from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError, NotFoundError
from lcc.launch.plan import Stage
from lcc.launch.state import RunStatus, read_run_settings, read_states
from lcc.storage import layout
from lcc.storage.pointers import dataset_names, read_latest
from lcc.storage.store import Store
from lcc.storage.uri import MAX_NAME, absolute_uri, dataset_name, shown_uri

OUTSIDE = "-outside"  # ends the name of a set that evaluate prepares
SPLITTING = ("data__split_csv", "data__leave_out", "data__test_value")


def outside_flags(data: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that `--data` stands for, as flags.

    A place is prepared under a name of its own, undivided: nobody learns from it.
    What was set on how the training set is split is of no use here.

    Args:
        data: Folder, URI or name.
        given: Flags by path; a name that is given is kept.

    Raises:
        ConfigError: A catalogue was given for a place.
    """
    if not is_place(data):
        return {"evaluate__data": data}
    if "data.catalogue" in given:
        message = (
            "--catalogue: must go with the name of a prepared data set, got --data "
            f"{data}, which is prepared now. Leave one of them out."
        )
        raise ConfigError(message)
    return {
        "evaluate__data": data,
        "data__source": data,
        "data__name": given.get("data.name") or _own_name(data),
        "data__undivided": "true",
        "data__catalogue": "null",
        "data__balance_over": "[]",
    } | dict.fromkeys(SPLITTING, "null")


def _own_name(data: str) -> str:
    """Return a name that no data set to learn from gets by itself.

    Example:
        >>> _own_name("s3://lab/other hospital/")
        'other-hospital-outside'
    """
    slug = dataset_name(data if "://" in data else absolute_uri(data))
    return f"{slug[: MAX_NAME - len(OUTSIDE)].rstrip('-')}{OUTSIDE}"


def resolve_outside(settings: Settings, store: Store) -> Settings:
    """Return settings that name the other data set, and what it is held against.

    Args:
        settings: With `evaluate.data` and the model that is judged.
        store: The root.

    Raises:
        ConfigError: The other set is the one that the model was trained on.
        NotFoundError: There is no such set, or the model was never evaluated on its
            sealed test.
    """
    model_run = str(settings.evaluate.model_run)
    data = str(settings.evaluate.data)
    trained = read_run_settings(store, model_run).data.name
    sealed = settings.evaluate.sealed_run or _sealed_run(store, model_run)
    changes: dict[str, object] = {"evaluate.sealed_run": sealed}
    if is_place(data):
        if not settings.data.undivided:
            message = (
                "evaluate.data: must be given as --data where it is to be prepared, "
                f"got {shown_uri(data)} from elsewhere. Run: "
                f"{command_line('evaluate', '--data', shown_uri(data))}"
            )
            raise ConfigError(message)
        card = json.loads(store.read(layout.model_card(model_run)))
        changes["data.tile_size_px"] = card["tile_size_px"]
        name = settings.data.name
    else:
        name = changes["data.name"] = _known_name(store, data)
        if settings.data.catalogue is None or settings.data.name != data:
            changes["data.catalogue"] = read_latest(store, data)
    if name == trained:
        raise ConfigError(_same_name(trained, is_prepared=not is_place(data)))
    return changed_settings(settings, changes)


def _same_name(trained: str | None, *, is_prepared: bool) -> str:
    if is_prepared:
        return (
            "evaluate.data: must be another data set than the model was trained on, "
            f"got {trained}. Pass --data with another, or leave it out for the sealed "
            "test."
        )
    return (
        "data.name: names what --data is prepared as, and must be another than that "
        f"of the model's training, got {trained}. Leave --name out, or --data for the "
        "sealed test."
    )


def _known_name(store: Store, data: str) -> str:
    names = dataset_names(store)
    if data not in names:
        near = get_close_matches(data, names, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"A folder: --data ./{data}"
        message = (
            f"evaluate.data: must be a prepared data set of {shown_uri(store.uri)}, "
            f"got {data}. {hint}"
        )
        raise NotFoundError(message)
    return data


def _sealed_run(store: Store, model_run: str) -> str:
    """Return the latest evaluation of a model on its sealed test."""
    found = [
        state.run_id
        for state in read_states(store)
        if state.stage == Stage.EVALUATE and state.status is RunStatus.DONE
        if _is_of(read_run_settings(store, state.run_id), model_run)
    ]
    if not found:
        message = (
            f"{model_run}: must have been evaluated on its sealed test, which another "
            "data set is held against and which tells how sure the model may be, got "
            f"no such run. First: {command_line('evaluate', '--run', model_run)}"
        )
        raise NotFoundError(message)
    return found[-1]


def _is_of(settings: Settings, model_run: str) -> bool:
    evaluate = settings.evaluate
    return evaluate.model_run == model_run and evaluate.data is None
