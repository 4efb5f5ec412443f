"""What is looked for on a cluster before anything is created."""

from pathlib import Path

import pytest

from lcc.backends.kubernetes.preflight import check_prerequisites, check_source
from lcc.config.settings import Settings
from lcc.config.storage import StorageSettings
from lcc.errors import ConfigError, DataError
from lcc.launch.plan import Stage
from lcc.launch.resolve import resolve_locations
from lcc.storage.uri import absolute_uri, open_store
from tests.builders.clusters import FakeCluster


def settings_with(**sections: dict[str, object]) -> Settings:
    return resolve_locations(
        Settings.model_validate(sections), default_root="s3://lcc/study"
    )


class Blind(FakeCluster):
    """A cluster whose user may read nothing."""

    def read(self, kind: str, name: str) -> None:
        message = f"may not get {kind} {name}"
        raise ConfigError(message)


def test_all_that_pods_would_miss_is_named_at_once() -> None:
    settings = settings_with(
        data={"source": "pvc://images/lung", "split_csv": "/home/ada/split.csv"},
        model={"backbone": "lite0.keras"},
        cluster={"queue": "team-a"},
    )

    with pytest.raises(ConfigError) as caught:
        check_prerequisites(FakeCluster(), Stage.TRAIN, settings)

    queue, claim, split, backbone = str(caught.value).splitlines()
    assert queue.startswith("cluster.queue: LocalQueue team-a must exist in namespace")
    assert claim.startswith("data.source: PersistentVolumeClaim images must exist")
    assert "of their own namespace only" in claim
    assert split.startswith("data.split_csv: must be s3://… on a cluster, got /home")
    assert "lcc-launch upload /home/ada s3://lcc/files" in split
    assert backbone.startswith("model.backbone: must be s3://…")


def test_what_is_there_or_in_the_claim_or_built_in_passes() -> None:
    cluster = FakeCluster()
    for kind, name in (("LocalQueue", "team-a"), ("PersistentVolumeClaim", "images")):
        cluster.put({"kind": kind, "metadata": {"name": name}})
    settings = settings_with(
        data={"source": "pvc://images/lung", "split_csv": "/mnt/source/split.csv"},
        model={"backbone": "resnet50", "weights": "s3://lcc/files/own.weights.h5"},
        cluster={"queue": "team-a"},
    )

    check_prerequisites(cluster, Stage.TRAIN, settings)


def test_what_an_extra_volume_names_must_be_there() -> None:
    cluster = FakeCluster()
    cluster.put({"kind": "Secret", "metadata": {"name": "certs"}})
    volumes = [
        {"name": "weights", "persistentVolumeClaim": {"claimName": "weights"}},
        {"name": "certs", "secret": {"secretName": "certs"}},
        {"name": "extra", "configMap": {"name": "extra", "optional": True}},
        {"name": "cache", "emptyDir": {}},
    ]

    with pytest.raises(ConfigError) as caught:
        check_prerequisites(
            cluster, Stage.TRAIN, settings_with(cluster={"extra_volumes": volumes})
        )

    assert str(caught.value) == (
        "cluster.extra_volumes.weights: PersistentVolumeClaim weights must exist in "
        f"namespace {cluster.namespace}, got none. Make it first."
    )


def test_an_account_that_may_not_look_is_not_held_up() -> None:
    check_prerequisites(
        Blind(), Stage.TRAIN, settings_with(cluster={"queue": "team-a"})
    )


def test_a_source_that_no_pod_reaches_is_refused_where_it_is_read(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "Lung Tiles"
    folder.mkdir()
    settings = settings_with(data={"source": folder.as_uri()})

    with pytest.raises(ConfigError) as caught:
        check_prerequisites(FakeCluster(), Stage.PREPARE, settings)

    assert str(caught.value) == (
        "data.source: must be s3://… or pvc://CLAIM/FOLDER on a cluster, got "
        f"{folder}. Pass --local, or run first: lcc-launch upload '{folder}' "
        "s3://lcc/sources/lung-tiles"
    )
    check_prerequisites(FakeCluster(), Stage.TRAIN, settings)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("lcc/sources/lung", "Did you mean s3://lcc/sources/lung?"),
     ("/lcc/sources/lung", "Check the path.")],
)  # fmt: skip
def test_a_source_that_is_not_here_either_may_be_a_bucket(
    typed: str, hint: str
) -> None:
    settings = settings_with(data={"source": absolute_uri(typed)})

    with pytest.raises(ConfigError) as caught:
        check_prerequisites(FakeCluster(), Stage.PREPARE, settings)

    assert str(caught.value) == (
        "data.source: must be s3://… or pvc://CLAIM/FOLDER on a cluster, got "
        f"{Path(typed).absolute()}, which is no folder here either. {hint}"
    )


def test_a_prefix_that_holds_nothing_is_refused(s3_bucket: str) -> None:
    storage = StorageSettings()
    open_store(f"s3://{s3_bucket}", storage).write("tiles/a/1.png", b"1")
    right, wrong = (
        settings_with(data={"source": f"s3://{s3_bucket}/{prefix}"})
        for prefix in ("tiles", "tile")
    )

    check_source(Stage.PREPARE, right, storage)
    with pytest.raises(DataError) as caught:
        check_source(Stage.PREPARE, wrong, storage)

    assert str(caught.value) == (
        f"data.source: must hold images, got no object below s3://{s3_bucket}/tile/. "
        "Check the prefix."
    )


def test_the_source_of_a_prediction_is_looked_at_under_its_own_name(
    tmp_path: Path,
) -> None:
    settings = settings_with(
        data={"source": "s3://lcc/sources/lung"}, predict={"source": str(tmp_path)}
    )

    with pytest.raises(ConfigError) as caught:
        check_prerequisites(FakeCluster(), Stage.PREDICT, settings)

    assert str(caught.value).startswith(
        "predict.source: must be s3://… or pvc://CLAIM/FOLDER on a cluster, got "
        f"{tmp_path}. Pass --local, or run first: lcc-launch upload {tmp_path} "
    )


def test_a_prediction_reads_a_claim_that_must_exist() -> None:
    settings = settings_with(predict={"source": "pvc://scans/june"})

    with pytest.raises(
        ConfigError, match=r"predict\.source: PersistentVolumeClaim sca"
    ):
        check_prerequisites(FakeCluster(), Stage.PREDICT, settings)

    assert settings.predict.source == "file:///mnt/source/june"
