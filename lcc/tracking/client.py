"""How the MLflow client behaves: its waits, its talk, its errors and its names."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from lcc.config import environment

# A server that is away must not hold up the driver: short waits, one more try; what was
# not taken is sent at the next call.
CLIENT_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    environment.NO_TELEMETRY: "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
KNOCK_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "4",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}
ILLEGAL = re.compile(r"[^\w.\-/ :]")  # what MLflow takes in no name


def set_defaults() -> None:
    """Set what the user's environment leaves open; before MLflow is imported."""
    for name, value in CLIENT_ENVIRONMENT.items():
        os.environ.setdefault(name, value)


@contextmanager
def knocking() -> Iterator[None]:
    """Wait 4 s at most for an answer; the client reads these variables each time."""
    before = {name: os.environ.get(name) for name in KNOCK_ENVIRONMENT}
    os.environ.update(KNOCK_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def database_errors() -> tuple[type[Exception], ...]:
    """Return what MLflow lets through of a database; none where it has no database."""
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:  # mlflow-skinny speaks to servers only
        return ()
    return (SQLAlchemyError,)


def legal_name(name: str) -> str:
    """Return a name that MLflow takes; what it refuses is spelt out.

    Two names stay two, as a blank for each would not.

    Example:
        >>> legal_name("test/recall/lung, left")
        'test/recall/lung_2c_ left'
    """
    return ILLEGAL.sub(lambda match: f"_{ord(match[0]):x}_", name)
