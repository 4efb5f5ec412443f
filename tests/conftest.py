"""Real servers and real input that any test may ask for."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("untimed", deadline=None)  # machines are noisy
hypothesis.settings.load_profile("untimed")
REPOSITORY = Path(__file__).parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
ACCESS_KEY, ADMIN_KEY = "lcc-test", "lcc-admin"
SECRET_KEY = "lcc-test-secret"  # noqa: S105 - of a server on loopback


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="rewrite golden files"
    )


@pytest.fixture(autouse=True)
def _isolated_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in list(os.environ):
        if name.startswith(("LCC_", "MLFLOW_")) and not name.startswith("LCC_TEST"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture(autouse=True)
def _own_verbosity() -> Iterator[None]:
    """Undo what a command makes of `-v` and `-q` for the whole process."""
    own = logging.getLogger("lcc")
    before = own.level
    yield
    own.setLevel(before)


@pytest.fixture(scope="session")
def logical_devices() -> None:
    """Split the CPU into four devices; it must come before any tensor of a process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    parts = [tf.config.LogicalDeviceConfiguration() for _ in range(4)]
    tf.config.set_logical_device_configuration(cpu, parts)
    tf.config.experimental.enable_op_determinism()


@pytest.fixture
def real_tiles() -> Path:
    """Return the folder of real LC25000 tiles, or skip."""
    folder = Path(
        os.environ.get("LCC_TEST_TILES", SHARED_DATA / "lc25000-lung-224")
    ).absolute()
    if not folder.is_dir():
        pytest.skip("no real tiles: set LCC_TEST_TILES to a folder of LC25000 tiles")
    return folder


@pytest.fixture
def real_backbone() -> Path:
    """Return a Keras feature model with ImageNet weights, or skip."""
    file = Path(
        os.environ.get(
            "LCC_TEST_BACKBONE", SHARED_DATA / "backbones" / "efficientnet-lite0.keras"
        )
    ).absolute()
    if not file.is_file():
        pytest.skip("no backbone: set LCC_TEST_BACKBONE to a saved Keras model")
    return file


@dataclass
class Server:
    """A server process of the test session.

    Attributes:
        url: Where it answers.
        command: How it is started.
        folder: Its working folder.
        health: Path that answers 200 when it is ready.
    """

    url: str
    command: list[str]
    folder: Path
    health: str
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
            )
        try:
            wait_until(self.answers, seconds=90, what=f"{self.command[0]} to answer")
        except BaseException:  # the fixture's own end is not reached
            self.kill()
            raise

    def kill(self) -> None:
        """End the process and its children at once, as a power cut would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}{self.health}", timeout=2):  # noqa: S310
                return True
        except urllib.error.HTTPError as err:
            return err.code == 403  # it answers: S3 refuses the anonymous
        except (urllib.error.URLError, OSError):
            return False


def wait_until(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Return once the condition holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s for {what}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _identity(key: str, actions: list[str]) -> dict[str, object]:
    credentials = [{"accessKey": key, "secretKey": SECRET_KEY}]
    return {"name": key, "credentials": credentials, "actions": actions}


@pytest.fixture(scope="session")
def s3_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a real S3 server (SeaweedFS) for the session."""
    folder = tmp_path_factory.mktemp("seaweedfs")
    identities = [
        _identity(ACCESS_KEY, ["Read", "Write", "List", "Tagging"]),
        _identity(ADMIN_KEY, ["Admin"]),  # an admin's write would make a missing bucket
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("weed")),
        "server",
        "-ip=127.0.0.1",
        f"-dir={folder}",
    ]
    ports = {name: free_port() for name in ("master", "volume", "filer")}
    command += [f"-{name}.port={number}" for name, number in ports.items()]
    command += [
        f"-{name}.port.grpc={free_port()}" for name in ("master", "volume", "filer")
    ]
    command += ["-s3", f"-s3.port={port}", f"-s3.port.grpc={free_port()}"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-s3.config=s3.json", "-master.volumeSizeLimitMB=64", "-volume.max=0"]
    server = Server(f"http://127.0.0.1:{port}", command, folder, "/")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def s3_server(s3_process: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return the S3 server, with its keys and address in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_process.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return s3_process


@pytest.fixture
def s3_bucket(s3_server: Server) -> str:
    """Return the name of a new bucket."""
    import boto3

    name = f"test-{time.time_ns()}"
    boto3.client(
        "s3", aws_access_key_id=ADMIN_KEY, aws_secret_access_key=SECRET_KEY
    ).create_bucket(Bucket=name)
    return name


@pytest.fixture
def mlflow_server(tmp_path: Path) -> Iterator[Server]:
    """Run a real MLflow server; `kill` and `start` take it away and back."""
    folder = tmp_path / "mlflow-server"
    folder.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    server = Server(f"http://127.0.0.1:{port}", command, folder, "/health")
    server.start()
    yield server
    server.kill()
