"""A question that somebody has looked at is decided."""

from pathlib import Path

import pytest

from lcc.config.data import FamilySettings
from lcc.errors import DataError
from lcc.families.verdicts import PairVerdict, apply_verdicts, read_verdicts
from tests.families.test_families import an_edge, clique, join

QUESTION = an_edge(2, 3, correlation=0.3)
FIRM = an_edge(1, 4, overlap=0.3)
CLIQUES = [*clique(range(3)), *clique(range(3, 6))]


def decide(edges: list[dict], *decided: tuple[int, int, bool]):
    verdicts = {
        (a, b): PairVerdict(a=f"{a}.png", b=f"{b}.png", is_same=same, by="AB")
        for a, b, same in decided
    }
    return apply_verdicts(join(edges, 6), verdicts, settings=FamilySettings())


def test_without_verdicts_nothing_changes():
    clusters, notes = decide([*CLIQUES, QUESTION])

    assert clusters.group.tolist() == [0] * 6
    assert notes == ()


def test_different_drops_the_questions_between_two_families():
    other = an_edge(1, 5, correlation=0.4)  # nobody looked at these two

    clusters, notes = decide([*CLIQUES, QUESTION, other], (2, 3, False))

    assert clusters.group.tolist() == [0] * 3 + [1] * 3
    assert clusters.edges.num_rows == len(CLIQUES)
    assert notes == ()


def test_different_does_not_part_what_both_judges_tie_and_says_so():
    clusters, (note,) = decide([*CLIQUES, QUESTION, FIRM], (2, 3, False))

    assert clusters.group.tolist() == [0] * 6
    assert note.startswith("2.png and 3.png: different (AB). Geometry and pixels agree")


def test_same_joins_families_that_no_edge_ties():
    clusters, notes = decide(CLIQUES, (0, 5, True))

    assert clusters.family.tolist() == [0] * 6
    assert clusters.group.tolist() == [0] * 6
    assert notes == ()


def test_verdicts_are_read_with_who_and_why(tmp_path: Path):
    file = tmp_path / "verdicts.csv"
    file.write_text("a,b,verdict,by,why\nn/2.png,n/1.png,Different,AB,other vessel\n")

    (verdict,) = read_verdicts(file, field="verdicts", paths=["n/1.png", "n/2.png"])

    assert str(verdict) == "n/1.png and n/2.png: different (AB, other vessel)"


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path):
    file = tmp_path / "verdicts.csv"
    file.write_text(
        "a,b,verdict\n1.png,2.png,same\n2.png,1.png,different\n"
        "1.png,1.png,same\n1.png,9.png,perhaps\n"
    )

    with pytest.raises(DataError) as caught:
        read_verdicts(file, field="verdicts", paths=["1.png", "2.png"])

    lines = str(caught.value).splitlines()
    assert "verdict must be same or different, got perhaps" in lines[0]
    assert "got 1 that are none: 9.png" in lines[1]
    assert "line 3" in lines[2]
    assert "line 4" in lines[3]
