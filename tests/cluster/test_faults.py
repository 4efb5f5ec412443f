"""What goes away for a while comes back, and runs go on; users do not meet."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cluster.lab import (
    LONG,
    SMALL,
    VALUES,
    Lab,
    a_kubeconfig,
    active_pods,
    ended,
    kubectl,
    mlflow_run,
    started,
)
from tests.conftest import REPOSITORY

AWAY_SECONDS = 30

pytestmark = pytest.mark.extended


class Gate:
    """A way to a server, on a port of this machine, that can be shut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.is_shut = False
        threading.Thread(target=self._serve, daemon=True).start()

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Cut all connections and take no new ones inside `with`."""
        self.is_shut = True
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        yield
        self.is_shut = False

    def _serve(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self.is_shut:
                near.close()
                continue
            far = socket.create_connection(self._target)
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                pump = threading.Thread(target=_pump, args=(source, target))
                pump.daemon = True
                pump.start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def test_a_watch_outlives_an_api_server_that_is_away(
    prepared: Lab, tmp_path: Path
) -> None:
    server = kubectl(
        "config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"
    ).stdout
    url = urlsplit(server)
    gate = Gate(str(url.hostname), url.port or 443)
    own = a_kubeconfig(prepared, tmp_path, server=f"https://127.0.0.1:{gate.port}")
    run_id = started(prepared, "train", *SMALL, *LONG)
    watch = prepared.start("status", run_id, "--watch", KUBECONFIG=own)
    time.sleep(10)

    with gate.shut():
        time.sleep(AWAY_SECONDS)
    output, _ = watch.communicate(timeout=300)

    assert watch.returncode == 0, output
    assert f"127.0.0.1:{gate.port}: the API server must answer" in output
    assert f"✓ {run_id}  done" in output


def evict(lab: Lab, run_id: str) -> None:
    (pod,) = [name for name in active_pods(lab, run_id) if "-train-1-0" in name]
    path = f"/api/v1/namespaces/{lab.namespace}/pods/{pod}/eviction"
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": lab.namespace},
    }
    file = lab.folder / "eviction.json"
    file.write_text(json.dumps(eviction))
    lab.kubectl("create", "--raw", path, "-f", str(file))


def kill_s3(lab: Lab, _: str) -> None:
    lab.kubectl("delete", "pod", "lcc-s3-0", "--grace-period=0", "--force")


def upgrade(lab: Lab, _: str) -> None:
    command = ["helm", "upgrade", "lcc", str(REPOSITORY / "charts" / "lcc")]
    done = lab.run([*command, "-n", lab.namespace, "--wait", "--timeout", "3m",
                    "--values", str(VALUES), "--set", "mlflow.allowedHosts={a.example}",
                    "--set", "settings.train.batch_size=8"])  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(evict, id="pod evicted"),
        pytest.param(kill_s3, id="S3 killed"),
        pytest.param(upgrade, id="chart upgraded"),
    ],
)
def test_a_training_goes_on_and_tells_each_step_once(
    prepared: Lab, happens: Callable[[Lab, str], None]
) -> None:
    run_id = started(prepared, "train", *SMALL, *LONG)

    happens(prepared, run_id)

    assert ended(prepared, run_id) == 0
    prepared.launch("status", run_id)  # sends what could not be sent
    run, history = mlflow_run(prepared, run_id)
    assert run.info.status == "FINISHED"
    assert history["train/loss"] == list(range(40))
    assert history["validation/macro_f1"] == list(range(40))


@pytest.mark.parametrize("server", ["lcc-s3", "lcc-postgresql"])
def test_a_server_that_is_away_for_a_minute_costs_two_pods_no_try(
    prepared: Lab, server: str
) -> None:
    run_id = started(prepared, "train", *SMALL, *LONG, "--pods", "2", "--gpus", "1")
    pods = active_pods(prepared, run_id)

    prepared.kubectl("scale", "statefulset", server, "--replicas", "0")
    time.sleep(2 * AWAY_SECONDS)
    prepared.kubectl("scale", "statefulset", server, "--replicas", "1")
    prepared.kubectl("rollout", "status", "statefulset", server, "--timeout", "2m")

    assert ended(prepared, run_id) == 0
    left = prepared.items("pods", f"lcc.dev/run={run_id}")
    assert {pod["metadata"]["name"] for pod in left} == set(pods)
    assert {pod["status"]["phase"] for pod in left} == {"Succeeded"}
    prepared.launch("status", run_id)  # sends what could not be sent
    run, history = mlflow_run(prepared, run_id)
    assert run.info.status == "FINISHED"
    assert history["train/loss"] == list(range(40))


def test_two_users_train_at_once_and_do_not_meet(prepared: Lab) -> None:
    both = [prepared.start("train", *SMALL) for _ in range(2)]

    outputs = [process.communicate(timeout=300)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0], outputs
    runs = {output.split("run ")[1].split()[0] for output in outputs}
    assert len(runs) == 2
    for run_id in runs:
        run, history = mlflow_run(prepared, run_id)
        assert run.info.status == "FINISHED"
        assert history["train/loss"] == [0]
