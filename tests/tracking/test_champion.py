"""The history of the champion: who comes before whom, and what a tag can hold."""

from dataclasses import replace

import pytest

from lcc.tracking.champion import (
    MAX_CHARACTERS,
    Action,
    Change,
    read_change,
    version_before,
)

EVERY = range(1, 10)


def changes(text: str) -> list[Change]:
    """Return a history such as `0>1 1>3 3<1`: promotions, and a rollback."""
    found = []
    for word in text.split():
        action = Action.ROLLBACK if "<" in word else Action.PROMOTE
        before, after = map(int, word.replace("<", ">").split(">"))
        found.append(
            Change(
                action=action, before=before, after=after, run="t", who="a", when="b"
            )
        )
    return found


@pytest.mark.parametrize(
    ("history", "current", "expected"),
    [
        pytest.param("0>1 1>3", 3, 1, id="one back"),
        pytest.param("0>1", 1, 0, id="the first"),
        pytest.param("", 4, 0, id="no history"),
        pytest.param("0>1 1>3 3>4 4<3", 3, 1, id="two back"),
        pytest.param("0>1 1>3 3<1", 1, 0, id="back at the first"),
        pytest.param("0>1 1>3 3<1 1>4", 4, 1, id="on after a rollback"),
        pytest.param("0>1 1>3", 5, 3, id="moved by somebody else"),
        pytest.param("0>1 1>3", 1, 0, id="noted, but never moved"),
        pytest.param("0>1 5>6", 6, 5, id="moved by somebody else in between"),
    ],
)
def test_a_rollback_takes_back_the_last_promotion(
    history: str, current: int, expected: int
):
    assert version_before(changes(history), current, existing=EVERY) == expected


def test_a_version_that_was_deleted_is_passed_over():
    assert version_before(changes("0>1 1>3 3>4"), 4, existing={1, 4}) == 1


def test_a_long_change_fits_a_tag_and_still_names_what_was_overruled():
    [change] = changes("0>1")
    reasons = tuple(f"check {n}: {'x' * 900}" for n in range(9))
    long = replace(change, why="y" * 1000, overruled=reasons)

    assert len(long.dump()) <= MAX_CHARACTERS
    assert list(read_change(long.dump()).overruled) == [f"check {n}" for n in range(9)]
