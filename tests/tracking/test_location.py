"""Where MLflow's data lies, and the lock of its one sender."""

from pathlib import Path

import pytest

from lcc.errors import UnavailableError
from lcc.tracking.location import locked


def test_a_second_sender_gives_up_and_says_that_nothing_is_lost(tmp_path: Path) -> None:
    root = tmp_path.as_uri()

    with (
        locked(root),
        pytest.raises(UnavailableError, match="Nothing is lost"),
        locked(root, patience_seconds=0),
    ):
        pass


def test_a_lock_is_free_again_after_its_owner_failed(tmp_path: Path) -> None:
    root = tmp_path.as_uri()

    with pytest.raises(ZeroDivisionError), locked(root):
        1 / 0  # noqa: B018 - fails

    with locked(root, patience_seconds=0):
        assert (tmp_path / ".mlflow.lock").exists()
