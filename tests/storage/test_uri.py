import hashlib
import os
from pathlib import Path

import pytest

from lcc.errors import ConfigError, NotFoundError
from lcc.storage.uri import absolute_uri, fetch_file, local_path, open_store


def test_a_path_is_taken_literally(tmp_path: Path):
    folder = tmp_path / "100%25 #a?b"

    open_store(str(folder)).write("x", b"x")

    assert (folder / "x").read_bytes() == b"x"
    assert open_store(absolute_uri(str(folder))).read("x") == b"x"


def test_an_unknown_scheme_names_the_near_one():
    with pytest.raises(ConfigError, match=r"got s4\. Did you mean s3://"):
        open_store("s4://lab/study")


def test_a_file_with_the_recorded_digest_is_given(tmp_path: Path):
    file = tmp_path / "weights 1.h5"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()

    assert fetch_file(str(file), tmp_path, sha256=digest).read_bytes() == b"weights"


def test_a_file_with_another_digest_is_refused_with_both(tmp_path: Path):
    file = tmp_path / "weights.h5"
    file.write_bytes(b"weights")
    found = hashlib.sha256(b"weights").hexdigest()

    with pytest.raises(ConfigError, match=f"SHA-256 must be {'0' * 64}, got {found}"):
        fetch_file(str(file), tmp_path, sha256="0" * 64)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(NotFoundError, match=r"nothing\.h5: not found"):
        fetch_file(str(tmp_path / "nothing.h5"), tmp_path)


def test_a_root_that_is_not_utf8_survives_as_a_uri(tmp_path: Path):
    folder = tmp_path / os.fsdecode(b"root-\xff")

    assert local_path(absolute_uri(str(folder))) == folder


def test_a_file_uri_with_two_slashes_is_refused():
    with pytest.raises(ConfigError, match="three slashes, got host data"):
        open_store("file://data/tiles")


def test_a_folder_has_one_uri_whatever_way_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "tiles").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "tiles")

    plain, back = (tmp_path / "tiles", tmp_path / "other" / ".." / "tiles")

    assert absolute_uri(str(back)) == absolute_uri(str(plain))
    assert absolute_uri(str(tmp_path / "link")).endswith("/link")
