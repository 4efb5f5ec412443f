"""A line that comes over and over is told once, until it has stayed away."""

import logging

from lcc.config.log_lines import Repeated


def a_record(
    text: str, *, at: float, level: int = logging.WARNING
) -> logging.LogRecord:
    record = logging.LogRecord("lcc.x", level, "x.py", 1, text, None, None)
    record.created = at
    return record


def test_a_warning_that_comes_again_is_dropped_until_it_has_stayed_away() -> None:
    moments = [0, 2, 59, 118, 179]
    records = [a_record("reason=MLflow is away", at=moment) for moment in moments]
    told = Repeated()

    kept = [record.created for record in records if told.filter(record)]

    assert kept == [0, 179]


def test_another_text_and_what_is_no_warning_are_told() -> None:
    told = Repeated()
    records = [
        a_record("reason=MLflow is away", at=0),
        a_record("reason=S3 is away", at=1),
        a_record("event=done", at=2, level=logging.INFO),
        a_record("event=done", at=3, level=logging.INFO),
    ]

    assert all(told.filter(record) for record in records)
