"""How a run is named: `train-20261123-0915-k3f9`, and the name of a data set."""

import re
import secrets
from datetime import UTC, datetime
from urllib.parse import unquote

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # base32: no letter looks like a digit
MAX_NAME = 40  # characters of a data set's name, as data.name allows


def new_run_id(stage: str, *, now: datetime | None = None) -> str:
    """Return a run id that nobody has: stage, minute (UTC), four random letters."""
    moment = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M")
    return f"{stage}-{moment}-{''.join(secrets.choice(ALPHABET) for _ in range(4))}"


def dataset_name(source: str) -> str:
    """Return the name of a data set: the last part of its source, as a slug.

    Example:
        >>> dataset_name("s3://lab/Lung tiles (2020)/")
        'lung-tiles-2020'
    """
    last = unquote(source).rstrip("/").rpartition("/")[2]
    slug = re.sub(r"[^a-z0-9]+", "-", last.lower()).strip("-")
    return slug[:MAX_NAME].strip("-") or "tiles"
