"""Settings that name axes."""

import pytest

from lcc.errors import ConfigError
from tests.builders.settings import load_settings

CSV = "data.groups_csv=patients.csv"


def faults_of(*overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(overrides=list(overrides))
    return list(caught.value.faults)


def test_axes_of_a_csv_may_be_named() -> None:
    data = load_settings(
        overrides=[
            CSV,
            "data.never_split=[patient, family]",
            "data.balance_over=[scanner]",
            "data.leave_out=site",
            "data.test_value=3",
        ]
    ).data

    assert data.never_split == ("patient", "family")
    assert (data.leave_out, data.test_value) == ("site", "3")


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        pytest.param(
            [CSV, "data.never_split=[patient, slide]"],
            "data.never_split: must include family, which is what is found to belong "
            "together, got patient, slide. Write [patient, slide, family].",
            id="no family",
        ),
        pytest.param(
            [CSV, "data.never_split=[]"],
            "data.never_split: must include family, which is what is found to belong "
            "together, got nothing. Write [family].",
            id="nothing",
        ),
        pytest.param(
            [CSV, "data.balance_over=[site, site]"],
            "data.balance_over: must not repeat a name, got site 2 times. Remove all "
            "but one.",
            id="twice",
        ),
        pytest.param(
            ["data.balance_over=[site]"],
            "data.balance_over: site must be a column of data.groups_csv or "
            "data.columns_from_path, got neither. Set one.",
            id="from nowhere",
        ),
        pytest.param(
            [CSV, "data.never_split=[site, family]", "data.balance_over=[site]"],
            "data.balance_over: must not name what data.never_split keeps whole, got "
            "site. Remove it from one of them.",
            id="whole and balanced",
        ),
        pytest.param(
            [CSV, "data.leave_out=family"],
            "data.leave_out: must be a column such as site, got family, which is what "
            "is found. Name a column.",
            id="family left out",
        ),
        pytest.param(
            ["data.test_value=A"],
            "data.test_value: must be a value of data.leave_out, which is not set, got "
            "A. Set it, or remove this.",
            id="a value of nothing",
        ),
        pytest.param(
            [CSV, "data.leave_out=site", "data.split_csv=split.csv"],
            "data.leave_out: must not be set with data.split_csv, which says what the "
            "test is, got site. Remove one of them.",
            id="two tests",
        ),
        pytest.param(
            ["data.columns_from_path={a}{b}.png"],
            "data.columns_from_path: must have text before {b}, got none. Add what "
            "parts them.",
            id="columns that nothing parts",
        ),
        pytest.param(
            ["data.columns_from_path={patient id}.png"],
            "data.columns_from_path: must have letters, digits and _ between braces, "
            "got {patient id}. Write e.g. {patient}.",
            id="no name",
        ),
        pytest.param(
            ["data.columns_from_path={patient.png"],
            "data.columns_from_path: must have braces in pairs, got {patient.png. "
            "Close each {name}.",
            id="an open brace",
        ),
        pytest.param(
            ["data.columns_from_path=*/*.png"],
            "data.columns_from_path: must name a column, got */*.png. Write e.g. "
            "{patient}_*.png.",
            id="no column",
        ),
    ],
)
def test_a_fault_is_told_with_its_remedy(overrides: list[str], fault: str) -> None:
    assert faults_of(*overrides) == [fault]


def test_all_faults_are_told_at_once() -> None:
    faults = faults_of(
        "data.never_split=[patient]", "data.columns_from_path={", "data.test_value=A"
    )

    assert [fault.partition(":")[0] for fault in faults] == [
        "data.columns_from_path",
        "data.never_split",
        "data.test_value",
    ]
