"""The steps of `prepare`, from files to a catalogue."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import boto3
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lcc.data.catalogue import read_catalogue
from lcc.data.sample import write_sample
from lcc.data.tiles import make_tile, open_tiles
from lcc.errors import ConfigError, DataError, NotFoundError, UnavailableError
from lcc.prepare.assembly import build_catalogue
from lcc.prepare.steps import hash_shards, link_shards, list_images
from lcc.prepare.summary import count_metrics
from lcc.storage.local import LocalStore
from tests.builders.pictures import a_file, a_folder, a_picture
from tests.builders.preparation import a_task, prepare


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw six sources a class, five tiles of each, and some copies."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, num_sources=6, num_copies=5, size_px=96)
    return folder


SAMPLE = {"families": {"num_keypoints": 150, "num_neighbours": 12}, "tile_size_px": 64}


def bytes_below(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def rows_of(built) -> dict[str, dict]:
    return {row["path"]: row for row in built.catalogue.table.to_pylist()}


def upload(folder: Path, bucket: str) -> str:
    client = boto3.client("s3")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        client.upload_file(str(path), bucket, f"in/{path.relative_to(folder)}")
    return f"s3://{bucket}/in"


def test_families_of_the_sample_are_found_and_stay_together(tmp_path: Path, sample):
    built = prepare(a_task(tmp_path, sample, **SAMPLE))

    classes = built.summary["classes"].values()
    table = built.catalogue.table.to_pylist()
    splits = {}
    for row in table:
        if row["status"] == "kept":
            splits.setdefault(row["group"], set()).add(row["split"])
    assert [found["families"] for found in classes] == [6, 6, 6]
    assert all(len(found) == 1 for found in splits.values())
    assert built.validation["passed"]
    assert built.summary["status"] == {
        "kept": 90,
        "duplicate": 6,
        "unreadable": 0,
        "conflict": 0,
    }


def test_counts_become_metrics(tmp_path: Path):
    built = prepare(a_task(tmp_path, a_folder(tmp_path / "source", num_images=8)))

    assert count_metrics(built.summary) == {
        "prepare/listed": 24,
        "prepare/kept": 24,
        "prepare/duplicate": 0,
        "prepare/unreadable": 0,
        "prepare/conflict": 0,
        "prepare/families": 24,
        "prepare/groups": 24,
    }


def test_a_family_of_several_classes_is_listed(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=8)
    picture = a_picture(5, size_px=128)
    for label, number in (("lung_n", 1), ("lung_aca", 2)):
        tile = picture.copy()
        tile[:number, :number] = 0  # not the same pixels, the same tissue
        (folder / label / "sibling.png").write_bytes(a_file(tile))

    built = prepare(a_task(tmp_path, folder, **SAMPLE))

    mixed = [found["labels"] for found in built.summary["families_of_several_classes"]]
    rows = rows_of(built)
    assert mixed == [{"lung_aca": 1, "lung_n": 1}]
    assert rows["lung_aca/sibling.png"]["split"] == rows["lung_n/sibling.png"]["split"]


def test_the_catalogue_is_read_back_with_its_tiles(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=8)
    task = a_task(tmp_path, folder)

    built = prepare(task)

    catalogue = read_catalogue(task.store, name="tiles")
    tiles = open_tiles(task.store, catalogue, size_px=32, scratch=tmp_path)
    rows = catalogue.rows("train")
    assert catalogue == built.catalogue
    for row, tile in zip(rows, tiles.take(catalogue.records[rows]), strict=True):
        picture = cv2.imread(str(folder / catalogue.paths[row]), cv2.IMREAD_COLOR_RGB)
        assert np.array_equal(tile, make_tile(picture, size_px=32))


def test_tiles_of_another_size_are_asked_for_by_name(tmp_path: Path):
    task = a_task(tmp_path, a_folder(tmp_path / "source", num_images=8))
    built = prepare(task)

    with pytest.raises(NotFoundError, match=r"data\.tile_size_px=99"):
        open_tiles(task.store, built.catalogue, size_px=99, scratch=tmp_path)


def test_packed_tiles_that_were_cut_short_are_not_read(tmp_path: Path):
    task = a_task(tmp_path, a_folder(tmp_path / "source", num_images=8))
    built = prepare(task)
    shard = next((tmp_path / "root" / "work").rglob("*.tiles"))
    shard.write_bytes(shard.read_bytes()[:-1])

    with pytest.raises(DataError, match="must be the 12 tiles that were packed"):
        open_tiles(task.store, built.catalogue, size_px=32, scratch=tmp_path)


@pytest.mark.slow
@settings(
    max_examples=5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    num_shards=st.integers(1, 40),
    num_processes=st.integers(1, 5),
    size_px=st.sampled_from([32, 64]),
    order=st.randoms(use_true_random=False),
)
def test_the_digest_does_not_depend_on_order_shards_or_processes(
    tmp_path_factory, sample, num_shards, num_processes, size_px, order
):
    tmp_path = tmp_path_factory.mktemp("any")
    files = sorted(path for path in sample.rglob("*") if path.is_file())
    order.shuffle(files)
    for path in files:
        target = tmp_path / "tiles" / path.relative_to(sample)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(path)
    options = SAMPLE | {"num_shards": num_shards, "tile_size_px": size_px}

    built = prepare(
        a_task(tmp_path, tmp_path / "tiles", **options), num_processes=num_processes
    )

    expected = DIGESTS.setdefault("sample", built.catalogue.digest)
    assert built.catalogue.digest == expected


DIGESTS: dict[str, str] = {}


def test_the_digest_does_not_depend_on_when_files_were_made(tmp_path: Path):
    first = a_folder(tmp_path / "first", num_images=8)
    second = tmp_path / "second"
    for path in sorted(first.rglob("*.png"), reverse=True):
        target = second / path.relative_to(first)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)

    digests = {
        prepare(a_task(folder / "..", folder, root=f"{folder}-root")).catalogue.digest
        for folder in (first, second)
    }

    assert len(digests) == 1


@pytest.mark.slow
def test_folder_and_bucket_give_one_digest(tmp_path: Path, s3_bucket: str):
    folder = a_folder(tmp_path / "source", num_images=8)
    source, root = upload(folder, s3_bucket), f"s3://{s3_bucket}/root"
    (tmp_path / "s3").mkdir()

    local = prepare(a_task(tmp_path, folder))
    task = a_task(tmp_path / "s3", source, root=root)
    remote = prepare(task)

    tiles = open_tiles(
        task.store, remote.catalogue, size_px=32, scratch=tmp_path / "s3"
    )
    mine = open_tiles(
        LocalStore(tmp_path / "root"), local.catalogue, size_px=32, scratch=tmp_path
    )
    records = local.catalogue.records
    assert remote.catalogue.digest == local.catalogue.digest
    assert np.array_equal(tiles.take(records), mine.take(records))


def test_a_second_run_computes_nothing(tmp_path: Path, monkeypatch):
    folder = a_folder(tmp_path / "source", num_images=8)
    first = prepare(a_task(tmp_path, folder))
    before = bytes_below(tmp_path / "root")

    def refuse(data: bytes):
        pytest.fail("hashed again")

    task = a_task(tmp_path, folder, run_id="prepare-2")
    list_images(task)
    hash_shards(task, process_index=0, num_processes=1, hasher=refuse)
    link_shards(task, process_index=0, num_processes=1)
    second = build_catalogue(task)

    after = bytes_below(tmp_path / "root")
    assert second.catalogue.digest == first.catalogue.digest
    assert {key: after[key] for key in before} == before


@pytest.mark.slow
def test_two_runs_on_one_root_at_once_share_their_shards(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=12)
    task = a_task(tmp_path, folder, run_id="run-a")
    for run_id in ("run-a", "run-b"):
        list_images(a_task(tmp_path, folder, run_id=run_id))
    workers = [
        start_hash(tmp_path, task, run_id=run_id, seconds=0)
        for run_id in ("run-a", "run-b")
    ]

    codes = []
    for worker in workers:
        with worker:
            worker.stdout.read()
        codes.append(worker.returncode)

    link_shards(task, process_index=0, num_processes=1)
    assert codes == [0, 0]
    assert build_catalogue(task).summary["status"]["kept"] == 36


KILLABLE = """
import sys, time
from pathlib import Path
from functools import partial
from lcc.config.settings import Settings
from lcc.prepare.steps import hash_shards
from lcc.data import hashing
from lcc.prepare import steps, task
from lcc.storage.uri import open_store
from tests.builders.preparation import SilentCounter

settings = Settings.model_validate_json(sys.argv[1])
scratch = Path(sys.argv[3]); scratch.mkdir(exist_ok=True)
work = task.Task(run_id=sys.argv[2], store=open_store(settings.storage.root),
                 settings=settings, scratch=scratch, progress=SilentCounter)
take = steps._default_hasher(work)

def slowly(data):
    time.sleep(float(sys.argv[4]))
    print("hashed", flush=True)
    return take(data)

hash_shards(work, process_index=0, num_processes=1, hasher=slowly)
"""


def start_hash(tmp_path: Path, task, *, run_id: str, seconds: float):
    """Start a hash step as a process that says when it has hashed an image."""
    command = [sys.executable, "-c", KILLABLE, task.settings.model_dump_json()]
    command += [run_id, str(tmp_path / f"scratch-{run_id}"), str(seconds)]
    repository = Path(__file__).parents[3]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=repository)


@pytest.mark.slow
def test_a_killed_hash_step_leaves_nothing_half_read(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=8)
    killed = a_task(tmp_path, folder, num_shards=3)
    list_images(killed)
    worker = start_hash(tmp_path, killed, run_id="prepare-1", seconds=0.05)
    for _ in range(12):  # one shard of eight is done, the next is half done
        worker.stdout.readline()

    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    hash_shards(killed, process_index=0, num_processes=1)
    other = a_task(tmp_path, folder, num_shards=3, root=str(tmp_path / "undisturbed"))
    list_images(other)
    hash_shards(other, process_index=0, num_processes=1)

    assert worker.returncode == -signal.SIGKILL
    work = [bytes_below(tmp_path / root / "work") for root in ("root", "undisturbed")]
    assert work[0] == work[1]


def test_odd_names_and_one_name_in_two_folders_simply_work(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=8, labels=("class one", "b, c"))
    names = [
        b"a b.png",
        b'x, "y".png',
        b"line\nbreak.png",
        b"\xff\xfe.png",
        b"a\\b.png",
    ]
    for number, name in enumerate(names):
        for code, label in enumerate(("class one", "b, c")):
            content = a_file(a_picture(10_000 + 100 * code + number))
            (folder / label / os.fsdecode(name)).write_bytes(content)

    built = prepare(a_task(tmp_path, folder))

    assert built.summary["status"]["kept"] == 26
    assert "class one/\\xff\\xfe.png" in rows_of(built)
    assert "b, c/line\nbreak.png" in rows_of(built)


def test_unusual_pixels_simply_work_and_are_counted(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=8)
    into = folder / "lung_n"
    (into / "grey.png").write_bytes(a_file(a_picture(90)[:, :, 0]))
    (into / "deep.png").write_bytes(a_file(a_picture(91).astype(np.uint16) * 257))
    alpha = np.dstack([a_picture(92), np.full((48, 48), 128, np.uint8)])
    Image.fromarray(alpha).save(into / "alpha.png")
    Image.fromarray(a_picture(93)).convert("CMYK").save(into / "cmyk.jpg")

    built = prepare(a_task(tmp_path, folder))

    assert built.summary["status"]["kept"] == 28
    assert built.summary["conversions"] == {
        "alpha": 1,
        "cmyk": 1,
        "grey": 1,
        "sixteen_bit": 1,
    }
    assert built.summary["reasons"]["kept"] == built.summary["conversions"]


def test_files_of_one_set_that_differ_in_depth_are_noted(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=8)
    for bits in (12, 14):
        samples = a_picture(90 + bits).astype(np.uint16) << (bits - 8)
        (folder / f"lung_n/{bits}.png").write_bytes(a_file(samples))

    built = prepare(a_task(tmp_path, folder))

    assert built.summary["notes"] == [
        "samples of more than 8 bits were scaled by the depth of each file (1 "
        "twelve_bit, 1 fourteen_bit): if one camera made them, save them as 8 bits "
        "alike"
    ]


def with_bad_files(folder: Path) -> Path:
    into = a_folder(folder, num_images=10) / "lung_n"
    (into / "empty.jpeg").touch()
    (into / "text.jpeg").write_text("not an image")
    (into / "half.jpeg").write_bytes(a_file(a_picture(), suffix=".jpeg")[:-200])
    frames = [Image.fromarray(a_picture(seed)) for seed in (70, 71)]
    frames[0].save(into / "moving.gif", save_all=True, append_images=frames[1:])
    return folder


def test_unreadable_files_are_counted_with_their_reason(tmp_path: Path):
    folder = with_bad_files(tmp_path / "source")

    built = prepare(a_task(tmp_path, folder, max_unreadable_fraction=0.2))

    assert built.summary["status"]["unreadable"] == 4
    assert built.summary["reasons"]["unreadable"] == {
        "animated": 1,
        "empty": 1,
        "not_an_image": 1,
        "truncated": 1,
    }
    assert sum(built.summary["status"].values()) == built.summary["listed"] == 34


def test_too_many_unreadable_files_stop_prepare(tmp_path: Path):
    folder = with_bad_files(tmp_path / "source")

    with pytest.raises(DataError) as caught:
        prepare(a_task(tmp_path, folder))

    assert str(caught.value) == (
        "data.max_unreadable_fraction: at most 0.01 of 34 files may be unreadable, got "
        "4 (1 animated, 1 empty, 1 not_an_image, 1 truncated): lung_n/empty.jpeg, "
        "lung_n/half.jpeg, lung_n/moving.gif, lung_n/text.jpeg … Repair or remove "
        "them, or raise the limit.\n"
        "  animated: moves: save the one frame that counts as PNG\n"
        "  empty: holds no byte: copy it again\n"
        "  not_an_image: no picture by its bytes: remove it, or copy it again\n"
        "  truncated: ends too early: copy it again from where it is whole"
    )


def test_all_that_is_left_out_stands_in_one_table(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=10)
    (folder / "notes.txt").touch()
    (folder / "lung_n/half.png").write_bytes(a_file(a_picture())[:-200])
    (folder / "lung_n/link.png").symlink_to("../../away/link.png")
    shutil.copy(folder / "lung_n/tile 001.png", folder / "lung_n/copy, of it.png")

    prepare(a_task(tmp_path, folder, max_unreadable_fraction=0.2))

    run = tmp_path / "root/runs/prepare-1"
    with (run / "left-out.csv").open(newline="") as file:
        rows = [tuple(row.values())[:2] for row in csv.DictReader(file)]
    assert rows == [
        ("lung_n/half.png", "truncated"),
        ("lung_n/link.png", "broken_link"),
        ("lung_n/tile 001.png", "same_bytes"),
        ("notes.txt", "side_file"),
    ]
    summary = json.loads((run / "left-out.json").read_text())
    assert summary["files"] == 34
    assert [(e["reason"], e["count"], e["first"]) for e in summary["left_out"]] == [
        ("broken_link", 1, ["lung_n/link.png"]),
        ("same_bytes", 1, ["lung_n/tile 001.png"]),
        ("truncated", 1, ["lung_n/half.png"]),
        ("side_file", 1, ["notes.txt"]),
    ]


def test_a_group_of_two_classes_counts_once(tmp_path: Path):
    folder, _, file = six_patients(tmp_path)

    built = prepare(a_task(tmp_path, folder, groups_csv=file))

    assert count_metrics(built.summary)["prepare/groups"] == 6


def test_files_that_vanish_or_change_are_counted_and_come_back(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=10)
    options = {"max_unreadable_fraction": 0.2}
    list_images(a_task(tmp_path, folder, **options))
    gone, changed = folder / "lung_n/tile 001.png", folder / "lung_n/tile 002.png"
    kept, times = gone.read_bytes(), gone.stat()
    gone.unlink()
    changed.write_bytes(changed.read_bytes())
    os.utime(changed, ns=(1, 1))  # same length, another time

    task = a_task(tmp_path, folder, **options)
    hash_shards(task, process_index=0, num_processes=1)
    link_shards(task, process_index=0, num_processes=1)
    first = build_catalogue(task)
    gone.write_bytes(kept)
    os.utime(gone, ns=(times.st_atime_ns, times.st_mtime_ns))
    second = prepare(a_task(tmp_path, folder, run_id="prepare-2", **options))

    assert first.summary["reasons"]["unreadable"] == {"changed": 1, "vanished": 1}
    assert second.summary["status"]["unreadable"] == 0


def test_copies_under_two_labels_stay_out_of_every_split(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=8)
    shutil.copy(folder / "lung_n/tile 001.png", folder / "lung_aca/copy.png")

    built = prepare(a_task(tmp_path, folder))

    rows = rows_of(built)
    both = [rows["lung_n/tile 001.png"], rows["lung_aca/copy.png"]]
    assert [row["status"] for row in both] == ["conflict", "conflict"]
    assert [row["split"] for row in both] == [None, None]
    assert [found["path"] for found in built.summary["conflicts"]] == [
        "lung_aca/copy.png",
        "lung_n/tile 001.png",
    ]


def test_a_class_of_which_nothing_is_kept_is_no_silent_gap(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=4)
    twins = tmp_path / "source" / "twins"
    shutil.copytree(folder / "lung_n", twins)

    with pytest.raises(DataError) as caught:
        prepare(a_task(tmp_path, folder))

    assert str(caught.value).splitlines() == [
        f"class {label}: must keep an image, got none of 4 (4 conflict): "
        f"{label}/tile 000.png, {label}/tile 001.png, {label}/tile 002.png, "
        f"{label}/tile 003.png … Give each picture one label, or leave the class out "
        "with data.classes."
        for label in ("lung_n", "twins")
    ]


def test_a_class_with_too_few_groups_is_said_so(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=3)

    with pytest.raises(DataError, match="class lung_aca: must have at least 6 groups"):
        prepare(a_task(tmp_path, folder, num_folds=5))


def six_patients(tmp_path: Path) -> tuple[Path, dict[str, str], str]:
    """Return images of patients, two a class, who each is of, and that as a file."""
    folder = a_folder(tmp_path / "source", num_images=12)
    patients = {
        str(path.relative_to(folder)): f"patient {number % 12 // 2}"
        for number, path in enumerate(sorted(folder.rglob("*.png")))
    }
    return folder, patients, write_csv(tmp_path / "patients.csv", "group", patients)


def write_csv(path: Path, column: str, values: dict[str, str]) -> str:
    lines = [f"path,{column}", *(f"{name},{value}" for name, value in values.items())]
    path.write_text("\n".join(lines))
    return str(path)


def test_the_users_groups_are_never_split(tmp_path: Path):
    folder, patients, file = six_patients(tmp_path)

    built = prepare(a_task(tmp_path, folder, groups_csv=file))

    splits: dict[str, set] = {}
    for path, row in rows_of(built).items():
        splits.setdefault(patients[path], set()).add(row["split"])
    assert len(splits) == 6
    assert all(len(found) == 1 for found in splits.values())


def users_split(folder: Path) -> dict[str, str]:
    words = ["train"] * 6 + ["validation"] * 2 + ["test"] * 2
    paths = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.png"))
    return {path: words[number % 10] for number, path in enumerate(paths)}


def test_the_users_split_is_taken(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=10)
    file = write_csv(tmp_path / "split.csv", "split", users_split(folder))

    built = prepare(a_task(tmp_path, folder, split_csv=file))

    assert {p: row["split"] for p, row in rows_of(built).items()} == users_split(folder)


def test_a_users_split_that_leaks_is_refused(tmp_path: Path, sample):
    values = {
        str(path.relative_to(sample)): ("train", "train", "validation", "test")[i % 4]
        for i, path in enumerate(sorted(p for p in sample.rglob("*") if p.is_file()))
    }
    file = write_csv(tmp_path / "split.csv", "split", values)

    with pytest.raises(DataError, match="each group lies in one split"):
        prepare(a_task(tmp_path, sample, split_csv=file, **SAMPLE))


def test_a_mistyped_split_gets_a_near_word(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=10)
    values = users_split(folder) | {"lung_n/tile 001.png": "validaton"}
    file = write_csv(tmp_path / "split.csv", "split", values)

    with pytest.raises(DataError, match=r"got validaton\..*Did you mean validation\?"):
        prepare(a_task(tmp_path, folder, split_csv=file))


def test_a_missing_csv_is_said_so(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=8)

    with pytest.raises(NotFoundError, match="not found"):
        prepare(a_task(tmp_path, folder, split_csv=str(tmp_path / "no.csv")))


@pytest.mark.parametrize(("step", "suffix"), [("hash", "parquet"), ("link", "parquet")])
def test_a_missing_part_is_said_so(tmp_path: Path, step: str, suffix: str):
    task = a_task(tmp_path, a_folder(tmp_path / "source", num_images=8))
    prepare(task)
    next((tmp_path / "root/work").glob(f"*/{step}/shard-00001-*.{suffix}")).unlink()

    with pytest.raises(DataError, match=f"a shard of {step} is missing"):
        build_catalogue(task)


def test_a_full_scratch_folder_is_said_so(tmp_path: Path):
    task = a_task(tmp_path, a_folder(tmp_path / "source", num_images=8))
    list_images(task)
    (task.scratch / "shard.tiles").symlink_to("/dev/full")

    with pytest.raises(UnavailableError, match="No space left on device"):
        hash_shards(task, process_index=0, num_processes=1)


def test_files_beside_the_catalogue_say_what_was_found(tmp_path: Path):
    task = a_task(tmp_path, a_folder(tmp_path / "source", num_images=8))
    built = prepare(task)

    folder = tmp_path / "root/datasets/tiles/catalogues" / built.catalogue.digest
    audit = json.loads((folder / "audit.json").read_text())
    assert audit == built.summary
    assert json.loads((folder / "splits.json").read_text()) == built.validation
    assert (folder / "families.parquet").is_file()
    assert Counter(audit["status"]) == Counter(kept=24)


def test_a_step_without_a_source_says_so(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"data.source: must be set"):
        list_images(a_task(tmp_path, None))


def test_a_step_without_a_name_says_so(tmp_path: Path):
    folder = a_folder(tmp_path / "source", num_images=1)

    with pytest.raises(ConfigError, match=r"data.name: must be set"):
        list_images(a_task(tmp_path, folder, name=None))
