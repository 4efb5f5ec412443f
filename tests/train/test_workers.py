"""Workers: read from the environment, waited for within a bound, told TensorFlow."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lcc.errors import ConfigError, UnavailableError
from lcc.train.rendezvous import wait_for_workers
from lcc.train.workers import Workers, read_workers, tf_config
from tests.conftest import free_port

THREE = "train-1-0.train-1:12345,train-1-1.train-1:12345,train-1-2.train-1:12345"


def some_addresses(count: int) -> tuple[str, ...]:
    return tuple(f"127.0.0.1:{free_port()}" for _ in range(count))


def test_the_workers_of_a_pod_are_those_of_its_job():
    workers = read_workers({"LCC_WORKERS": THREE}, process_index=2, num_processes=3)

    assert workers.addresses[2] == "train-1-2.train-1:12345"
    assert workers.hosts[0] == ("train-1-0.train-1", 12345)
    assert not workers.is_chief


def test_a_process_alone_has_no_workers():
    assert (
        read_workers({"LCC_WORKERS": THREE}, process_index=0, num_processes=1) is None
    )


@pytest.mark.parametrize(
    ("text", "index", "message"),
    [
        pytest.param("", 0, "must name 2 different processes, got none", id="none"),
        pytest.param("a:1", 0, "must name 2 different processes, got a:1", id="few"),
        pytest.param("a:1,a:1", 0, "must name 2 different processes", id="twice"),
        pytest.param(
            "a:1,b", 0, "must be host:port of each process, got 'b'", id="port"
        ),
        pytest.param("a:1,b:0", 0, "must be host:port", id="port zero"),
        pytest.param("a:1,b:1", 2, r"must be below --num-processes \(2\)", id="index"),
    ],
)
def test_workers_that_cannot_be_are_refused(text: str, index: int, message: str):
    with pytest.raises(ConfigError, match=message):
        read_workers({"LCC_WORKERS": text}, process_index=index, num_processes=2)


def test_tensorflow_is_told_of_all_workers_and_of_oneself():
    workers = Workers(addresses=("a:1", "b:2"), index=1)

    assert json.loads(tf_config(workers)) == {
        "cluster": {"worker": ["a:1", "b:2"]},
        "task": {"type": "worker", "index": 1},
    }


def test_workers_may_come_in_any_order():
    addresses = some_addresses(3)

    with ThreadPoolExecutor() as pool:
        calls = [
            pool.submit(
                wait_for_workers, Workers(addresses=addresses, index=index), seconds=20
            )
            for index in (2, 0, 1)
        ]

    assert [call.result() for call in calls] == [None] * 3


def test_the_chiefs_address_is_free_after_the_rendezvous():
    addresses = some_addresses(2)
    with ThreadPoolExecutor() as pool:
        for index in (0, 1):
            pool.submit(
                wait_for_workers, Workers(addresses=addresses, index=index), seconds=20
            )

    with socket.create_server(("127.0.0.1", int(addresses[0].rpartition(":")[2]))):
        pass


@pytest.mark.parametrize(("index", "missing"), [(0, (1, 2)), (1, (0,))])
def test_workers_that_do_not_come_are_named(index: int, missing: tuple[int, ...]):
    addresses = some_addresses(3)

    with pytest.raises(UnavailableError) as caught:
        wait_for_workers(Workers(addresses=addresses, index=index), seconds=0.5)

    assert caught.value.exit_code == 75
    names = ", ".join(addresses[number] for number in missing)
    assert f"within 0.5 s, got no answer from {names}. See" in str(caught.value)


def test_a_name_that_does_not_resolve_is_missing():
    workers = Workers(addresses=("127.0.0.1:1", "no-such-host.invalid:1"), index=0)

    with pytest.raises(UnavailableError, match=r"from no-such-host\.invalid:1\. See"):
        wait_for_workers(workers, seconds=0.5)


def test_a_worker_that_came_and_died_is_not_there():
    addresses = some_addresses(2)
    chief = Workers(addresses=addresses, index=0)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait_for_workers, chief, seconds=2)
        while not waiting.done():
            try:
                with socket.create_connection(chief.hosts[0], timeout=1) as call:
                    call.sendall(b"lcc 1\n")
            except OSError:
                pass

    assert isinstance(waiting.exception(), UnavailableError)


def test_a_server_of_the_last_attempt_is_no_chief():
    """TensorFlow's own server, on the address until its process has ended."""
    addresses = some_addresses(2)
    port = int(addresses[0].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(1)
        answer = threading.Thread(target=_answer_as_grpc, args=(server,))
        answer.start()
        with pytest.raises(UnavailableError, match=f"answer from {addresses[0]}"):
            wait_for_workers(Workers(addresses=addresses, index=1), seconds=0.6)
    answer.join()


def test_strangers_are_not_counted():
    addresses = some_addresses(2)
    chief = Workers(addresses=addresses, index=0)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait_for_workers, chief, seconds=20)
        for line in (b"GET / HTTP/1.1\r\n", b"lcc 7\n"):
            _call_until_closed(chief.hosts[0], line)
        own = pool.submit(
            wait_for_workers, Workers(addresses=addresses, index=1), seconds=20
        )

    assert waiting.result() is None
    assert own.result() is None


def _answer_as_grpc(server: socket.socket) -> None:
    try:
        while True:
            call, _ = server.accept()
            call.sendall(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00")  # HTTP/2 settings
            call.close()
    except OSError:
        return


def _call_until_closed(address: tuple[str, int], line: bytes) -> None:
    while True:
        try:
            with socket.create_connection(address, timeout=5) as call:
                call.sendall(line)
                assert call.recv(64) == b""
                return
        except ConnectionRefusedError:
            continue
