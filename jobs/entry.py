"""Runs a step in its process: settings, logging, signals and exit code around it.

Knows nothing of any step. A step is a function of one `StepContext`.
"""

import argparse
import ctypes
import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from jobs import pod_log, pod_progress
from lcc.config import environment, log_lines
from lcc.config.commands import Place, working_at
from lcc.config.load import changed_settings, parse_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError, LccError, RefusedLoginError, UnavailableError
from lcc.storage import layout
from lcc.storage.patient import Waits, make_patient
from lcc.storage.store import Store
from lcc.storage.uri import fetch_file, open_store, shown_uri
from lcc.tracking.progress import print_wait
from lcc.tracking.tracker import Tracker

logger = logging.getLogger(__name__)

TERMINATION_LOG = Path("/dev/termination-log")  # what Kubernetes shows of an ended pod
MAX_TERMINATION = 4000  # bytes that it keeps are 4,096


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """All that one process of a step is given.

    Attributes:
        run_id: Run that the step belongs to.
        settings: Settings in force, as the launcher resolved them.
        store: The root.
        tracker: Reports to the run; flushed and closed after the step.
        process_index: Which of the step's processes this is, from 0.
        num_processes: Processes of the step.
        scratch: Empty local folder, removed after the step.
    """

    run_id: str
    settings: Settings
    store: Store
    tracker: Tracker
    process_index: int
    num_processes: int
    scratch: Path

    @property
    def settings_alone(self) -> Settings:
        """Settings of a process with one device and no workers, unlike `train`."""
        alone = {"launch.gpus": min(self.settings.launch.gpus, 1), "launch.pods": 1}
        return changed_settings(self.settings, alone)


def main(step: str, run: Callable[[StepContext], None]) -> None:
    """Run one step and exit the process with the code of its outcome.

    Args:
        step: Name of the step, e.g. `hash`.
        run: The step; an `LccError` from it becomes its exit code and one line.
    """
    arguments = _parse_arguments(step)
    signal.signal(signal.SIGTERM, _leave)
    _end_with_driver()
    _configure_logging()
    try:
        with (
            pod_log.uploading(arguments.run) as keep,
            pod_progress.noting(arguments.run, arguments.process_index, keep),
        ):
            _run_in_context(step, run, arguments, keep)
    except LccError as err:
        _report(err)
        sys.exit(_exit_code(err))
    except ModuleNotFoundError as err:
        logger.exception("step=%s event=crashed", step)
        _report(_missing_extra(step, err))
        sys.exit(ConfigError.exit_code)
    except Exception:
        logger.exception("step=%s event=crashed", step)
        sys.exit(1)


def end_without_workers(code: object) -> None:
    """End this process at once where a training of several workers failed.

    TensorFlow's own end waits up to 20 s for workers that are gone, and they for it.
    """
    if code and environment.TF_CONFIG in os.environ:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _exit_code(err: LccError) -> int:
    """Return the code of an error; keys that died in a pod are new in the next one."""
    if isinstance(err, RefusedLoginError) and environment.POD_NAME in os.environ:
        return UnavailableError.exit_code
    return err.exit_code


def _missing_extra(step: str, err: ModuleNotFoundError) -> ConfigError:
    return ConfigError(
        f"{err.name}: must be installed for the step {step}, got no such module. "
        "In a checkout of lcc: pip install '.[worker]'"
    )


def _leave(number: int, _: FrameType | None) -> None:
    """Leave through every `with`, so that scratch is removed and reports are flushed.

    A step that has to save more, as training does, sets a handler of its own.
    """
    sys.exit(128 + number)


def _report(err: LccError) -> None:
    """Write the one message of this process: to the log, and to whoever started it."""
    sys.stderr.write(f"{err}\n")
    if environment.POD_NAME in os.environ and TERMINATION_LOG.exists():
        TERMINATION_LOG.write_text(str(err)[:MAX_TERMINATION])
    sys.stdout.write(f"error {json.dumps(str(err))}\n")
    sys.stdout.flush()


def _end_with_driver() -> None:
    """Get SIGTERM when a driver on this machine dies, however it dies."""
    driver = os.environ.get(environment.DRIVER_PID)
    if driver is None or not sys.platform.startswith("linux"):
        return
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
    if os.getppid() != int(driver):  # it died before we asked
        os.kill(os.getpid(), signal.SIGTERM)


def _run_in_context(
    step: str,
    run: Callable[[StepContext], None],
    arguments: argparse.Namespace,
    keep: pod_log.PodLog,
) -> None:
    settings = _read_settings(arguments.settings)
    if settings.storage.root is None:  # the launcher always writes it
        message = "storage.root: must be set, got none. Pass --root URI."
        raise ConfigError(message)
    own = open_store(settings.storage.root, settings.storage)
    keep.store = own
    writer = f"{step}-{arguments.process_index:05d}-{os.getpid()}-{time.time_ns()}"
    root = shown_uri(settings.storage.root)
    waits = Waits()
    waits.tell = partial(_tell_wait, waits, own, layout.waits(arguments.run, writer))
    store = make_patient(own, settings.storage, waits=waits)
    with (
        working_at(Place(root=root).narrowed(settings, root=root)),
        tempfile.TemporaryDirectory(prefix=f"lcc-{step}-") as scratch,
        Tracker(store, run_id=arguments.run, writer=writer) as tracker,
    ):
        run(
            StepContext(
                run_id=arguments.run,
                settings=settings,
                store=store,
                tracker=tracker,
                process_index=arguments.process_index,
                num_processes=arguments.num_processes,
                scratch=Path(scratch),
            )
        )


def _tell_wait(waits: Waits, store: Store, key: str, what: str) -> None:
    """Tell whoever started this process of a wait; note its length once it is over."""
    print_wait(what)
    if not what:
        with suppress(LccError):  # the next wait's note counts this one too
            store.write(key, waits.dump())


def _read_settings(uri: str) -> Settings:
    if uri.startswith("env:"):  # a pod's settings travel with it
        name = uri.removeprefix("env:")
        if name not in os.environ:
            message = f"{name}: must hold settings, got no such variable. Set it."
            raise ConfigError(message)
        return parse_settings(os.environ[name], source=uri)
    with tempfile.TemporaryDirectory(prefix="lcc-settings-") as scratch:
        text = fetch_file(uri, Path(scratch)).read_text(encoding="utf-8")
    return parse_settings(text, source=shown_uri(uri))


def _parse_arguments(step: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m jobs.{step}")
    parser.add_argument(
        "--settings", required=True, help="path or URI of settings.yaml, or env:NAME"
    )
    parser.add_argument("--run", required=True, help="run id")
    parser.add_argument(
        "--process-index",
        type=int,
        default=int(os.environ.get(environment.COMPLETION_INDEX, "0")),
    )
    parser.add_argument("--num-processes", type=int, default=1)
    return parser.parse_args()


def _configure_logging() -> None:
    log_lines.configure(os.environ.get(environment.LOG_LEVEL, "INFO"))
    # It reports each processor extension that it does not find.
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
