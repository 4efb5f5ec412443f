"""What only a folder can show: permissions, full disks, links, odd bytes in names."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lcc.errors import ConfigError, DataError, UnavailableError
from lcc.storage.local import LocalStore


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a tmpfs of 64 KiB, or skip."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("cannot mount a tmpfs: run the tests as root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_temporary_and_leaves_nothing_behind(small_disk: Path):
    store = LocalStore(small_disk)
    store.write("kept", b"kept")

    with pytest.raises(UnavailableError, match="no space left on the device"):
        store.write("parts/large", bytes(1 << 20))

    assert [item.key for item in store.list_objects()] == ["kept"]
    assert store.read("kept") == b"kept"


def test_a_root_below_a_file_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(ConfigError, match="must be a folder one can write to"):
        LocalStore(tmp_path / "file" / "root").write("x", b"")


def test_a_read_only_root_is_refused(tmp_path: Path):
    if not Path("/proc/self").is_dir():
        pytest.skip("no /proc to stand for a read-only file system")

    with pytest.raises(ConfigError, match="pass another --root"):
        LocalStore(Path("/proc/lcc")).write("x", b"")


def test_a_link_to_a_folder_above_is_named(tmp_path: Path):
    (tmp_path / "tiles").mkdir()
    (tmp_path / "tiles" / "loop").symlink_to(tmp_path)

    with pytest.raises(DataError, match="must not lead back to a folder above it"):
        list(LocalStore(tmp_path).list_objects())


def test_names_that_are_not_utf8_are_listed_and_read(tmp_path: Path):
    name = os.fsdecode(b"tile-\xff\xfe.jpeg")
    (tmp_path / name).write_bytes(b"tile")
    store = LocalStore(tmp_path)

    (item,) = store.list_objects()

    assert os.fsencode(item.key) == b"tile-\xff\xfe.jpeg"
    assert store.read(item.key) == b"tile"


def test_a_writer_that_is_killed_leaves_the_old_object(tmp_path: Path):
    store = LocalStore(tmp_path)
    store.write("latest.json", b"old")
    script = (
        "import os, sys, pathlib\n"
        "from lcc.storage.local import LocalStore\n"
        "pathlib.Path.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "LocalStore(pathlib.Path(sys.argv[1])).write('latest.json', b'new')\n"
    )

    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)

    assert done.returncode == -9
    assert store.read("latest.json") == b"old"
    assert [item.key for item in store.list_objects()] == ["latest.json"]


def test_a_link_to_itself_is_named(tmp_path: Path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    with pytest.raises(
        DataError, match="loop: a symbolic link must not lead to itself"
    ):
        list(LocalStore(tmp_path).list_objects())


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)  # root, who runs CI, may read anything

    with pytest.raises(ConfigError, match="must be readable"):
        list(LocalStore(tmp_path).list_objects())


@pytest.mark.parametrize("key", ["{outside}/x", "../x", "a/../../x"])
def test_a_key_that_leaves_the_root_is_refused(tmp_path: Path, key: str):
    # All of them below tmp_path: without the guard nothing else may be written to.
    with pytest.raises(DataError, match="must lie below the root"):
        LocalStore(tmp_path / "root").write(key.format(outside=tmp_path), b"")


def test_links_that_lead_nowhere_are_no_objects_and_named(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/kept").write_bytes(b"x")
    (tmp_path / "a/link").symlink_to("kept")
    (tmp_path / "a/b").symlink_to("../away")
    (tmp_path / "lost folder").symlink_to("/mnt/away")
    store = LocalStore(tmp_path)

    assert list(store.broken_links()) == ["a/b", "lost folder"]
    assert [item.key for item in store.list_objects()] == ["a/kept", "a/link"]
