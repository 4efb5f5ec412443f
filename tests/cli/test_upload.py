"""A folder of this machine, copied to a store."""

from pathlib import Path

import pytest

from lcc.cli.upload import upload_folder
from lcc.errors import DataError
from lcc.storage.local import LocalStore


def test_uploading_leaves_alone_what_is_there(tmp_path: Path) -> None:
    source = tmp_path / "tiles" / "lung_aca"
    source.mkdir(parents=True)
    (source / "a b.png").write_bytes(b"1")
    (source / "c.png").write_bytes(b"22")
    target = LocalStore(tmp_path / "bucket")

    first = upload_folder(source.parent, target)
    (source / "c.png").write_bytes(b"333")
    second = upload_folder(source.parent, target)

    assert (first.num_sent, first.num_present) == (2, 0)
    assert (second.num_sent, second.num_present) == (1, 1)
    assert target.read("lung_aca/c.png") == b"333"


def test_an_empty_folder_is_not_uploaded(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a folder that holds files"):
        upload_folder(tmp_path, LocalStore(tmp_path / "bucket"))
