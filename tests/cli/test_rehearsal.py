"""A rehearsal on a cluster looks at what a launch would look at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from lcc.cli.main import cli
from lcc.config.storage import StorageSettings
from lcc.storage.uri import open_store
from tests.builders.api_server import ApiServer, an_object, serving


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """Give a cluster without a chart; it takes every Job."""
    file = tmp_path / "kubeconfig"
    with serving(tmp_path) as api:
        api.write_kubeconfig(file)
        monkeypatch.setenv("KUBECONFIG", str(file))
        anything = {"metadata": {"resourceVersion": "1"}, "items": []}
        api.will(*[an_object(anything) for _ in range(20)])
        yield api


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        pytest.param(
            ["prepare", "s3://{bucket}/tile"],
            "data.source: must hold images, got no object below s3://{bucket}/tile/.",
            id="a wrong prefix",
        ),
        pytest.param(
            ["train", "--name", "lnug"],
            "data.name: must be a prepared data set of s3://{bucket}/study, got lnug.",
            id="a wrong data set",
        ),
    ],
)
def test_a_rehearsal_refuses_what_a_launch_would_refuse(
    cluster: ApiServer, s3_bucket: str, words: list[str], fault: str
) -> None:
    open_store(f"s3://{s3_bucket}", StorageSettings()).write("tiles/a/1.png", b"1")
    given = [word.format(bucket=s3_bucket) for word in words]
    root = ["--root", f"s3://{s3_bucket}/study"]

    result = CliRunner().invoke(cli, [*given, "--dry-run", "server", *root])

    assert result.exit_code == 3
    assert result.output.startswith(f"Error: {fault.format(bucket=s3_bucket)}")
    asked = [request.path.rpartition("/")[2] for request in cluster.requests]
    assert [request.method for request in cluster.requests] == ["GET"] * 4
    assert asked == ["configmaps", "nodes", "pods", "pods"]


def test_a_rehearsal_has_every_object_judged(
    cluster: ApiServer, s3_bucket: str
) -> None:
    open_store(f"s3://{s3_bucket}", StorageSettings()).write("tiles/a/1.png", b"1")
    words = ["prepare", f"s3://{s3_bucket}/tiles", "--dry-run", "server"]

    result = CliRunner().invoke(cli, [*words, "--root", f"s3://{s3_bucket}/study"])

    assert result.exit_code == 0, result.output
    assert result.output.count("created (server dry run)") == 4
