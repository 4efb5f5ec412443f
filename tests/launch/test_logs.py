"""Logs in the store: as they grow, and without what says nothing of a study."""

from collections.abc import Callable
from pathlib import Path

from lcc.launch.logs import follow_stored_logs, is_chatter
from tests.builders.launches import a_store

RUN = "train-20261123-0915-k3f9"
KEY = f"runs/{RUN}/logs/train/00000.log"


def test_a_log_is_followed_line_by_line_to_its_end(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    happens: list[Callable[[], None]] = [
        lambda: None,
        lambda: store.write(KEY, b"one\ntw"),
        lambda: store.write(KEY, b"one\ntwo\n"),
        lambda: store.write(f"runs/{RUN}/logs/train/00001.log", b"late"),
    ]

    lines = follow_stored_logs(
        store,
        RUN,
        None,
        is_over=lambda: not happens,
        sleep=lambda _: happens.pop(0)(),
    )

    assert list(lines) == [
        "[train/00000] one",
        "[train/00000] two",
        "[train/00001] late",
    ]


def test_one_process_needs_no_name(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    store.write(KEY, b"one\n")

    lines = follow_stored_logs(store, RUN, "train", index=0, is_over=lambda: True)

    assert list(lines) == ["one"]


def test_tensorflows_first_words_are_known_and_its_errors_are_not_among_them() -> None:
    chatter = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795817010.044504    9039 port.cc:153] oneDNN custom operations are on.
[train/00000] I0000 00:00:1795817010.04    9039 cudart_stub.cc:31] Could not find cuda
E0000 00:00:1795817072.481461   11194 cuda_platform.cc:52] failed call to cuInit: CUDA
2026-11-27 22:04:32.489123: I tensorflow/core/platform/cpu_feature_guard.cc:210] This
To enable the following instructions: AVX2 FMA, in other operations, rebuild"""
    news = """\
2026-11-27 22:04:32,489Z level=INFO logger=lcc.train.training event=training replicas=1
E0000 00:00:1795817072.481461   11194 cuda_executor.cc:52] out of memory
stopped after step 33, all work so far is saved."""

    assert [line for line in chatter.splitlines() if not is_chatter(line)] == []
    assert [line for line in news.splitlines() if is_chatter(line)] == []
