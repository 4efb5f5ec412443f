"""What is missing is named before the first step, all of it at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lcc.config.storage import StorageSettings
from lcc.config.tracking import TrackingSettings
from lcc.errors import ConfigError, NoRoomError, NotFoundError
from lcc.launch.needs import (
    check_files,
    check_modules,
    check_room,
    needed_bytes,
    tracking_notes,
)
from lcc.launch.plan import Stage
from lcc.tracking.mlflow import open_mlflow
from tests.builders.launches import TrackingAway, a_store, local_settings
from tests.conftest import free_port


def test_every_file_that_a_pipeline_will_read_is_looked_for(tmp_path: Path):
    there = tmp_path / "labels.csv"
    there.write_text("path,label\n")
    settings = local_settings(
        a_store(tmp_path),
        data__labels_csv=there.as_uri(),
        data__groups_csv=(tmp_path / "groups.csv").as_uri(),
        model__backbone=(tmp_path / "lite 0.keras").as_uri(),
    )

    with pytest.raises(NotFoundError) as caught:
        check_files(Stage.PIPELINE, settings, StorageSettings(), is_here=True)

    assert str(caught.value) == (
        f"data.groups_csv: must be a file, got {tmp_path}/groups.csv, which is not "
        f"there.\nmodel.backbone: must be a file, got {tmp_path}/lite 0.keras, which "
        "is not there. Check the path or URI."
    )


@pytest.mark.parametrize(
    ("stage", "is_here"),
    [
        pytest.param(Stage.PREPARE, True, id="no step of the stage reads it"),
        pytest.param(Stage.TRAIN, False, id="pods have files of their own"),
    ],
)
def test_a_file_that_nobody_here_reads_is_not_looked_for(
    tmp_path: Path, stage: Stage, *, is_here: bool
):
    backbone = (tmp_path / "lite0.keras").as_uri()
    settings = local_settings(a_store(tmp_path), model__backbone=backbone)

    check_files(stage, settings, StorageSettings(), is_here=is_here)


def test_a_file_in_a_bucket_is_looked_for(tmp_path: Path, s3_bucket: str):
    uri = f"s3://{s3_bucket}/weights.h5"
    settings = local_settings(a_store(tmp_path), model__weights=uri)

    with pytest.raises(
        NotFoundError, match=rf"model\.weights: must be a file, got {uri}"
    ):
        check_files(Stage.TRAIN, settings, StorageSettings(), is_here=True)


def test_a_module_that_steps_import_must_be_installed():
    with pytest.raises(ConfigError) as caught:
        check_modules(Stage.PIPELINE, find={"mlflow": 1, "seaborn": 1}.get)

    assert str(caught.value) == (
        "tensorflow, cleanlab, matplotlib: must be installed for pipeline on this "
        "machine, got no such module. In a checkout of lcc: pip install '.[worker]'"
    )


def test_prepare_needs_no_module_beyond_the_plain_install():
    check_modules(Stage.PREPARE, find={}.get)


def test_a_disk_without_room_for_a_study_is_refused(tmp_path: Path):
    settings = local_settings(a_store(tmp_path))

    with pytest.raises(NoRoomError) as caught:
        check_room(
            Stage.PIPELINE,
            settings,
            num_images=5000,
            free_bytes=lambda folder: 10**9 if folder == tmp_path else 0,
        )

    assert str(caught.value) == (
        f"storage.root: {tmp_path}/root must have room for about 2.0 GB, got 1.0 GB "
        "free. Free some, or pass another --root."
    )


def test_a_head_alone_takes_less_room_than_a_whole_network(tmp_path: Path):
    store = a_store(tmp_path)
    whole = local_settings(store)
    head = local_settings(store, model__frozen_stages="all")

    bytes_of = [needed_bytes(Stage.TRAIN, s, num_images=0) for s in (whole, head)]

    assert bytes_of[0] > 3 * bytes_of[1]


class _There:
    @contextmanager
    def session(self) -> Iterator[None]:
        yield


def test_an_mlflow_that_is_away_is_said_and_costs_nothing(tmp_path: Path):
    settings = local_settings(a_store(tmp_path), tracking__uri="http://mlflow.lab:5000")

    away = list(tracking_notes(TrackingAway(), settings))  # type: ignore[arg-type]
    there = list(tracking_notes(_There(), settings))  # type: ignore[arg-type]

    assert away == [
        "  MLflow at http://mlflow.lab:5000 does not answer: reports are kept under "
        "the root and sent once it does"
    ]
    assert there == []


def test_a_port_where_no_mlflow_is_counts_as_away(tmp_path: Path):
    uri = f"http://127.0.0.1:{free_port()}"
    settings = local_settings(a_store(tmp_path), tracking__uri=uri)
    server = open_mlflow(TrackingSettings(uri=uri), a_store(tmp_path).uri)

    assert len(list(tracking_notes(server, settings))) == 1
