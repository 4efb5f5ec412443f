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


def test_links_are_followed_and_those_to_nowhere_refused(tmp_path: Path) -> None:
    (tmp_path / "annex").mkdir()
    (tmp_path / "annex/1").write_bytes(b"1")
    (tmp_path / "tiles").mkdir()
    (tmp_path / "tiles/a").symlink_to("../annex")
    target = LocalStore(tmp_path / "bucket")

    upload_folder(tmp_path / "tiles", target)
    (tmp_path / "tiles/2.png").symlink_to("../annex/2")

    assert target.read("a/1") == b"1"
    with pytest.raises(DataError, match=r"got 1 that lead nowhere: 2\.png\. Fetch it"):
        upload_folder(tmp_path / "tiles", target)
