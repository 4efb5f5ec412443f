"""Classes of another data set, told as the model's."""

import pyarrow as pa
import pytest

from lcc.errors import DataError
from lcc.evaluate.class_map import map_classes, with_our_labels

OURS = ["lung_aca", "lung_n", "lung_scc"]


def test_equal_names_are_one_class():
    assert map_classes(["lung_n", "lung_scc"], OURS, {}) == {
        "lung_n": "lung_n",
        "lung_scc": "lung_scc",
    }


def test_two_of_theirs_may_be_one_of_ours():
    told = map_classes(
        ["acinar", "solid"], OURS, dict.fromkeys(["acinar", "solid"], "lung_aca")
    )

    assert set(told.values()) == {"lung_aca"}


def test_an_entry_goes_before_an_equal_name():
    told = map_classes(["lung_n", "lung_aca"], OURS, {"lung_n": "lung_scc"})

    assert told["lung_n"] == "lung_scc"


def test_labels_are_renamed():
    table = pa.table({"path": ["a", "b"], "label": ["x", "lung_n"]})

    found = with_our_labels(table, {"x": "lung_aca", "lung_n": "lung_n"})

    assert found["label"].to_pylist() == ["lung_aca", "lung_n"]


def test_all_faults_are_told_at_once_and_typos_get_the_nearest_name():
    with pytest.raises(DataError) as caught:
        map_classes(
            ["acinar", "lung_n", "fat"],
            OURS,
            {"acinr": "lung_aca", "acinar": "lung_acca", "lung_n": ""},
        )

    text = str(caught.value)
    assert "evaluate.class_map.acinr: must name a class of the other data set" in text
    assert "Did you mean acinar?" in text
    assert "Did you mean lung_aca?" in text
    assert "got nothing" in text
    assert "got none for fat" in text


def test_sets_without_a_common_class_are_refused_with_the_map_to_fill_in():
    with pytest.raises(DataError, match="must have a class in common") as caught:
        map_classes(["lung-aca", "fat"], OURS, {})

    command = "--set 'evaluate.class_map={lung-aca: lung_aca, fat: …}'"
    assert command in str(caught.value)
