"""Labels that deserve a second look: which families, why, and what a person sees."""

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import SCHEMA, Catalogue
from lcc.data.tiles import Tiles
from lcc.errors import DataError
from lcc.evaluate.judging import build_report
from lcc.evaluate.label_doubts import ask_families, doubt, find_issues
from lcc.evaluate.label_issues import IssueKind, LabelIssues
from lcc.evaluate.label_page import MAX_PICTURES, MAX_SHOWN, review_labels
from lcc.evaluate.predictions import Part, Predictions, join_parts, predictions_of
from lcc.evaluate.report import render_report
from lcc.evaluate.results import metrics_of, result_files
from tests.builders.predictions import CLASSES, a_table
from tests.evaluate.test_report import some_evidence

SETTINGS = EvaluateSettings(num_bootstrap=100)
NUM_FAMILIES, COPIES = 30, 5


def a_set(wrong: dict[str, str] | None = None, **columns: list) -> Catalogue:
    """Return families of copies; some of the labels are others than what is shown.

    Args:
        wrong: Path → its label, of images that do not have that of their family.
        columns: Of the catalogue, in place of its own.
    """
    table = a_table(NUM_FAMILIES, COPIES).table
    rows = table.to_pylist()
    for row in rows:
        row["label"] = (wrong or {}).get(row["path"], row["label"])
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return Catalogue(
        name="lung", digest="ab" * 32, table=pa.Table.from_pylist(rows, schema=SCHEMA)
    )


def whole_family(number: int, label: str) -> dict[str, str]:
    return {f"{number}-{copy}.png": label for copy in range(COPIES)}


def said_of(catalogue: Catalogue, *, sure: float = 0.9) -> np.ndarray:
    """Return what a model says that knows each family's class, whatever the labels."""
    shown = catalogue.families % 3
    said = np.full((len(shown), 3), (1 - sure) / 2)
    said[np.arange(len(shown)), shown] = sure
    return said


def out_of_fold(catalogue: Catalogue, said: np.ndarray) -> Predictions:
    return predictions_of(catalogue, catalogue.rows(), said, part=Part.OUT_OF_FOLD)


def issues_of(
    catalogue: Catalogue, said: np.ndarray | None = None, *, mixed: tuple[int, ...] = ()
) -> LabelIssues:
    said = said_of(catalogue) if said is None else said
    asked = ask_families(out_of_fold(catalogue, said))
    return find_issues(catalogue, asked, mixed=mixed, settings=SETTINGS)


def rows_of(catalogue: Catalogue, issues: LabelIssues) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(issues.csv(catalogue).decode())))


def test_right_labels_that_models_know_are_no_issue():
    found = issues_of(a_set())

    assert found.issues == ()
    assert (found.num_families, found.num_missed) == (NUM_FAMILIES, 0)
    assert found.doubted.value == found.doubted.upper == 0


def test_a_family_under_a_wrong_label_is_one_case_however_many_copies_it_has():
    catalogue = a_set(whole_family(4, "lung_scc") | whole_family(9, "lung_n"))

    found = issues_of(catalogue)

    shown = [
        (own.kind, own.family, own.suggested, own.score, len(own.rows))
        for own in found.issues
    ]
    assert shown == [
        (IssueKind.LABEL, 4, "lung_n", pytest.approx(0.05), COPIES),
        (IssueKind.LABEL, 9, "lung_aca", pytest.approx(0.05), COPIES),
    ]
    assert found.doubted.value == pytest.approx(2 / NUM_FAMILIES)
    assert found.doubted.lower < found.doubted.value < found.doubted.upper


def test_the_least_supported_label_comes_first():
    catalogue = a_set(whole_family(4, "lung_scc") | whole_family(9, "lung_n"))
    said = said_of(catalogue)
    said[catalogue.families == 9] = [0.98, 0.01, 0.01]

    found = issues_of(catalogue, said)

    assert [own.family for own in found.issues] == [9, 4]


def test_a_family_that_models_are_less_sure_of_than_is_usual_is_missed():
    catalogue = a_set(whole_family(4, "lung_scc"))
    said = said_of(catalogue)
    said[catalogue.families == 4] = [0.05, 0.6, 0.35]

    found = issues_of(catalogue, said)

    [own] = found.issues
    assert (own.kind, own.family, own.suggested) == (IssueKind.MISSED, 4, "lung_n")
    assert (found.num_missed, found.doubted.value) == (1, 0)


def test_models_without_a_clue_doubt_no_more_than_they_miss():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, 500)
    said = draw.dirichlet([1, 1, 1], 500)

    is_doubted = doubt(labels, said)

    is_missed = said.argmax(axis=1) != labels
    assert is_doubted.any()
    assert not (is_doubted & ~is_missed).any()


@pytest.mark.parametrize("labels", [[], [0], [1, 1, 1]])
def test_where_all_labels_are_one_none_is_doubted(labels: list[int]):
    said = np.full((len(labels), 3), 1 / 3)

    assert not doubt(np.array(labels, np.int64), said).any()


def test_a_class_without_families_is_never_suggested():
    labels = np.array([0, 0, 0, 1, 1, 1])
    said = np.array([[0.1, 0.1, 0.8], *[[0.9, 0.05, 0.05]] * 2, *[[0.1, 0.8, 0.1]] * 3])

    assert not doubt(labels, said).any()


def test_single_images_under_another_label_are_one_case_of_their_family():
    wrong = {"6-0.png": "lung_n", "6-3.png": "lung_n"}
    catalogue = a_set(wrong)

    found = issues_of(catalogue, mixed=(6,))

    [own] = found.issues
    assert (own.kind, own.family, own.suggested) == (
        IssueKind.TWO_LABELS,
        6,
        "lung_aca",
    )
    assert own.scores == {"lung_n": 0.4, "lung_aca": 0.6}
    rows = rows_of(catalogue, found)
    assert [row["path"] for row in rows[:2]] == list(wrong)
    assert [row["label"] for row in rows] == ["lung_n"] * 2 + ["lung_aca"] * 3


def test_a_family_under_two_labels_is_not_doubted_besides():
    catalogue = a_set({"6-0.png": "lung_n"})
    said = said_of(catalogue)
    said[catalogue.families == 6] = [0.05, 0.05, 0.9]

    found = issues_of(catalogue, said, mixed=(6,))

    assert [own.kind for own in found.issues] == [IssueKind.TWO_LABELS]
    assert found.doubted.value == 0


def test_models_that_are_sure_of_nothing_doubt_nothing():
    catalogue = a_set(whole_family(4, "lung_scc"))

    found = issues_of(catalogue, said_of(catalogue, sure=0.4))

    assert found.families[IssueKind.OUTLIER] == len(found.issues) == NUM_FAMILIES


def test_of_a_family_divided_evenly_the_models_decide():
    catalogue = a_set(
        {"6-0.png": "lung_n", "6-1.png": "lung_n"},
        status=[
            "unreadable" if path == "6-4.png" else "kept" for path in a_set().paths
        ],
        family=[
            None if path == "6-4.png" else family
            for path, family in zip(a_set().paths, a_set().families, strict=True)
        ],
    )
    kept = catalogue.rows()
    said = said_of(catalogue)[kept]
    asked = ask_families(out_of_fold(catalogue, said))
    nobody = ask_families(out_of_fold(catalogue, said).part(Part.TEST))

    with_models, without = (
        find_issues(catalogue, own, mixed=(6,), settings=SETTINGS).issues
        for own in (asked, nobody)
    )

    assert with_models[0].suggested == "lung_aca"
    assert without[0].suggested == ""


def test_a_family_like_no_class_is_an_outlier():
    catalogue = a_set()
    said = said_of(catalogue)
    said[catalogue.families == 7] = [0.4, 0.35, 0.25]

    [own] = issues_of(catalogue, said).issues

    assert (own.kind, own.family) == (IssueKind.OUTLIER, 7)
    assert own.score == pytest.approx(0.4)


def test_a_row_of_the_table_holds_every_file_of_the_family_and_why():
    catalogue = a_set(whole_family(4, "lung_scc"))

    rows = rows_of(catalogue, issues_of(catalogue))

    assert [row["path"] for row in rows] == [f"4-{copy}.png" for copy in range(COPIES)]
    assert rows[0] == {
        "path": "4-0.png",
        "label": "lung_scc",
        "suggested": "lung_n",
        "score": "0.05",
        "kind": "label",
        "family": "4",
        "group": "4",
        "why": "models that had not seen it give lung_n 0.90 and lung_scc 0.05 (lung_n "
        "comes first in 5 of 5 images); families labelled lung_n get 0.90 on average",
    }


def a_review(
    catalogue: Catalogue, *, with_tiles: bool = True, mixed: tuple[int, ...] = ()
) -> str:
    """Return the page of a catalogue whose tiles are noise."""
    draw = np.random.default_rng(0)
    shape = (len(catalogue.paths), 128, 128, 3)
    tiles = draw.choice(np.uint8([0, 255]), shape) if with_tiles else None
    records = pa.array(range(len(catalogue.paths)), pa.int64())
    place = SCHEMA.get_field_index("record")
    catalogue = replace(
        catalogue, table=catalogue.table.set_column(place, "record", records)
    )
    asked = ask_families(out_of_fold(catalogue, said_of(catalogue)))
    issues = find_issues(catalogue, asked, mixed=mixed, settings=SETTINGS)
    packed = None if tiles is None else Tiles([tiles], size_px=128)
    files = review_labels(issues, asked, catalogue, packed).files("a study")
    return files["labels.html"].decode()


def test_the_page_shows_a_few_images_of_each_family_and_stands_alone():
    page = a_review(a_set(whole_family(4, "lung_scc") | whole_family(9, "lung_n")))

    compared, cases = page.split("Label doubted")
    assert cases.count("<img") == 2 * MAX_PICTURES
    assert compared.count("<img") == len(CLASSES) * MAX_PICTURES
    assert not re.findall(r'(?:src|href)="(?!data:)', page)


def test_the_page_shows_images_of_both_labels():
    wrong = {"6-3.png": "lung_n", "6-4.png": "lung_n"}

    page = a_review(a_set(wrong), mixed=(6,))

    captions = re.findall(r"<figcaption><b>(\w+)</b>", page)
    assert captions == ["lung_n", "lung_aca"] * (MAX_PICTURES // 2)


def test_where_tiles_are_gone_the_page_has_words_alone():
    page = a_review(a_set(whole_family(4, "lung_scc")), with_tiles=False)

    assert "<img" not in page
    assert "lung_n 0.90" in page
    assert "label_issues.csv" in page


def test_the_page_of_many_issues_stays_below_five_megabytes():
    rows = a_table(200, MAX_PICTURES).table.to_pylist()
    for row in rows:
        is_wrong = row["family"] // 3 % 3 == 0
        row["label"] = CLASSES[(row["family"] + is_wrong) % 3]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    catalogue = Catalogue(name="lung", digest="ab" * 32, table=table)
    mixed = tuple(family for family in range(200) if family // 3 % 3 == 1)

    page = a_review(catalogue, mixed=mixed)

    assert 3e6 < len(page.encode()) < 5e6
    assert page.count('class="case"') == 2 * MAX_SHOWN
    assert f"The first {MAX_SHOWN} of" in page


def test_the_report_says_how_many_labels_deserve_a_look():
    evidence = some_evidence(others={})
    catalogue = evidence.catalogue
    rows = catalogue.rows("train")
    said = np.eye(3)[catalogue.labels[rows]] * 0.85 + 0.05
    said[catalogue.families[rows] == 0] = [0.05, 0.9, 0.05]
    own = predictions_of(catalogue, rows, said, part=Part.OUT_OF_FOLD)
    evidence = replace(evidence, predictions=join_parts([evidence.predictions, own]))

    report = build_report(evidence, title="x")

    page = render_report(report)
    assert (
        "0 under two labels; of 18 that models had not seen 1 doubted, 0 missed" in page
    )
    files = result_files(report)
    assert files["label_issues.csv"].count(b"\n") == 1 + 3
    assert b"family 0" in files["labels.html"]
    metrics = metrics_of(report)
    assert metrics["labels/flagged_families"] == 1
    assert metrics["labels/flagged_images"] == 3
    assert metrics["labels/doubted_share"] == pytest.approx(1 / 18)


def test_without_predictions_out_of_fold_the_report_says_how_to_get_them():
    report = build_report(some_evidence(others={}), title="x")

    for page in (render_report(report), result_files(report)["labels.html"].decode()):
        assert "set evaluate.search_run to a search" in page
    assert "labels/doubted_share" not in metrics_of(report)


def test_families_under_two_labels_are_told_without_any_predictions():
    evidence = some_evidence(others={})
    mixed = [{"family": 0, "labels": {}}]
    documents = dict(evidence.documents)
    documents["audit"] = {"families_of_several_classes": mixed}

    report = build_report(replace(evidence, documents=documents), title="x")

    assert "1 under two labels; models were not asked" in render_report(report)


def test_probabilities_that_are_no_numbers_are_refused():
    evidence = some_evidence(others={})
    table = evidence.predictions.table
    name = next(name for name in table.column_names if name.startswith("raw/"))
    values = table[name].to_numpy().copy()
    values[3] = np.nan
    place = table.column_names.index(name)
    broken = Predictions(table=table.set_column(place, name, pa.array(values)))

    with pytest.raises(DataError) as caught:
        build_report(replace(evidence, predictions=broken), title="x")

    assert str(caught.value) == (
        "predictions: probabilities must be numbers, got others for 1 images "
        "(0/9-0.jpeg is the first). Judge a model that gives some."
    )
