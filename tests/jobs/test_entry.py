"""What every entry point does around its step, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lcc.config import environment
from lcc.config.load import dump_settings
from lcc.storage.patient import read_waits
from lcc.storage.store import Store
from lcc.storage.uri import open_store
from tests.builders.launches import a_store, local_settings
from tests.conftest import Server

RUN = "prepare-20261123-0915-k3f9"


def start(
    folder: Path, body: str, store: Store | None = None, **environ: str
) -> subprocess.Popen[str]:
    store = store or a_store(folder)
    file = folder / "settings.yaml"
    file.write_text(dump_settings(local_settings(store)))
    code = (
        "import time\n"
        "from jobs.entry import main\n"
        "from lcc.errors import DataError, RefusedLoginError\n"
        f"def run(context):\n    {body}\n"
        "main('hash', run)"
    )
    command = [sys.executable, "-c", code, "--settings", str(file), "--run", RUN]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environ,
    )


CASES = [
    pytest.param("context.tracker.set_tags({'a': 'b'})", 0, "", "", id="done"),
    pytest.param(
        "raise DataError('tiles: none.')",
        3,
        'error "tiles: none."\n',
        "tiles: none.",
        id="an error of ours",
    ),
    pytest.param("raise KeyError('x')", 1, "", "KeyError: 'x'", id="a crash"),
    pytest.param(
        "import tensorflux",
        2,
        'error "tensorflux: must be installed for the step hash, got no such module. '
        "In a checkout of lcc: pip install '.[worker]'\"\n",
        "tensorflux: must be installed for the step hash, got no such module. "
        "In a checkout of lcc: pip install '.[worker]'",
        id="a missing extra",
    ),
]


@pytest.mark.parametrize(("body", "code", "output", "last"), CASES)
def test_a_step_ends_with_the_code_of_its_outcome(
    tmp_path: Path, body: str, code: int, output: str, last: str
) -> None:
    process = start(tmp_path, body)

    found, log = process.communicate()

    assert (process.returncode, found) == (code, output)
    assert (log.splitlines() or [""])[-1] == last


@pytest.mark.parametrize(("pod", "code"), [("", 2), ("hash-0-abcde", 75)])
def test_refused_keys_end_a_pod_alone_for_the_next_has_new_ones(
    tmp_path: Path, pod: str, code: int
) -> None:
    environ = {environment.POD_NAME: pod} if pod else {}
    process = start(tmp_path, "raise RefusedLoginError('keys: refused.')", **environ)

    _, said = process.communicate(timeout=60)

    assert process.returncode == code
    assert said.endswith("keys: refused.\n")


def test_reports_are_spooled(tmp_path: Path) -> None:
    start(tmp_path, "context.tracker.set_tags({'a': 'b'})").communicate()

    keys = [item.key for item in a_store(tmp_path).list_objects(f"runs/{RUN}/spool/")]
    assert len(keys) == 1


IN_A_POD = {"LCC_JOB_NAME": f"{RUN}-hash-1", "LCC_POD_NAME": f"{RUN}-hash-1-0-abcde"}


def test_the_log_of_a_pod_outlives_it(tmp_path: Path) -> None:
    body = (
        "import logging; logging.getLogger('lcc').info('event=hashed'); "
        "raise DataError('tiles: none.')"
    )

    start(tmp_path, body, **IN_A_POD).communicate()

    key = f"runs/{RUN}/logs/{RUN}-hash-1/{RUN}-hash-1-0-abcde.log"
    lines = a_store(tmp_path).read(key).decode().splitlines()
    assert [line.partition(" ")[2].partition("Z ")[2] for line in lines] == [
        "level=INFO logger=lcc event=hashed",
        "level=ERROR logger=jobs.pod_log event=failed reason=tiles: none.",
    ]


def test_the_log_of_a_pod_that_crashed_ends_with_the_trace(tmp_path: Path) -> None:
    process = start(tmp_path, "raise KeyError('x')", **IN_A_POD)

    _, log = process.communicate()

    key = f"runs/{RUN}/logs/{RUN}-hash-1/{RUN}-hash-1-0-abcde.log"
    assert a_store(tmp_path).read(key).decode().splitlines()[-1] == "KeyError: 'x'"
    assert log.count("KeyError: 'x'") == 1


def test_a_step_outside_a_pod_stores_no_log(tmp_path: Path) -> None:
    start(tmp_path, "pass").communicate()

    assert list(a_store(tmp_path).list_objects(f"runs/{RUN}/logs/")) == []


def test_a_terminated_step_leaves_nothing_behind(tmp_path: Path) -> None:
    process = start(tmp_path, "print(context.scratch, flush=True); time.sleep(60)")
    assert process.stdout is not None
    scratch = Path(process.stdout.readline().strip())
    existed = scratch.is_dir()

    process.terminate()
    process.communicate()

    assert (existed, scratch.exists(), process.returncode) == (True, False, 143)


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl, which Linux has")
def test_a_step_ends_when_its_driver_is_killed(tmp_path: Path) -> None:
    alive = tmp_path / "alive"  # a pipe that the step holds open while it lives
    os.mkfifo(alive)
    body = (
        f"pipe = open({str(alive)!r}, 'w', buffering=1); pipe.write('begun\\n'); "
        "time.sleep(60); pipe.write('slept to its end')"
    )
    code = (
        "import os, subprocess, sys\n"
        "os.environ['LCC_DRIVER_PID'] = str(os.getpid())\n"
        "sys.path.insert(0, os.environ['TEST_ROOT'])\n"
        "from pathlib import Path\n"
        "from tests.jobs.test_entry import start\n"
        f"p = start(Path({str(tmp_path)!r}), {body!r})\n"
        "p.wait()"
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"TEST_ROOT": str(Path(__file__).parents[2])},
    )
    with alive.open() as step:
        begun = step.readline()

        driver.kill()
        driver.wait()

        assert (begun, step.read()) == ("begun\n", "")  # read waits for its end


@pytest.mark.slow
def test_a_step_waits_for_a_server_that_is_restarted(
    tmp_path: Path, s3_server: Server, s3_bucket: str
) -> None:
    store = open_store(f"s3://{s3_bucket}/study")
    body = (
        "sys.stdin.readline(); context.store.write('x', b'tile'); "
        "context.tracker.set_tags({'a': 'b'})"
    )
    process = start(tmp_path, f"import sys; {body}", store)
    s3_server.kill()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    said = process.stdout.readline()

    s3_server.start()
    rest, _ = process.communicate()

    waited = f"s3://{s3_bucket}/study to answer, for 10 min at most"
    assert (process.returncode, said) == (0, f'waits "{waited}"\n')
    assert rest == 'waits ""\n'
    assert store.read("x") == b"tile"
    assert read_waits(store, RUN)[0] == 1
    assert len(list(store.list_objects(f"runs/{RUN}/spool/"))) == 1
