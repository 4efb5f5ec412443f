"""Where each object lies under the root: every key is spelled here and nowhere else."""

import hashlib
import json

FORMAT_VERSION = 2  # raised when the bytes of any object change their meaning


def input_digest(**parts: object) -> str:
    """Return the digest of all that the bytes of a part depend on.

    The format version is always included, so that parts of another version are never
    taken for one's own.

    Args:
        parts: JSON values by name; the order does not matter.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> input_digest(a=1, b="x") == input_digest(b="x", a=1)
        True
    """
    document = json.dumps({"format": FORMAT_VERSION, **parts}, sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()


def dataset_source(name: str) -> str:
    """Return the key of the note that says where a data set came from."""
    return f"datasets/{name}/source.json"


def listing(name: str, digest: str) -> str:
    """Return the key of one listing of a source."""
    return f"datasets/{name}/listings/{digest}.parquet"


def listing_pointer(run_id: str) -> str:
    """Return the key of the pointer from a prepare run to its listing."""
    return f"runs/{run_id}/listing.json"


def part(digest: str, step: str, index: int, num_slices: int, suffix: str) -> str:
    """Return the key of one slice's part of a step.

    Example:
        >>> part("ab12", "hash", 3, 16, "parquet")
        'work/ab12/hash/part-00003-of-00016.parquet'
    """
    return f"work/{digest}/{step}/part-{index:05d}-of-{num_slices:05d}.{suffix}"


def catalogue(name: str, digest: str, file: str) -> str:
    """Return the key of a file of a catalogue, e.g. `catalogue.parquet`."""
    return f"datasets/{name}/catalogues/{digest}/{file}"


def latest(name: str) -> str:
    """Return the key of the pointer to the latest catalogue; it is written last."""
    return f"datasets/{name}/latest.json"


def features(catalogue_digest: str, features_digest: str, file: str) -> str:
    """Return the key of a file of frozen-backbone features."""
    return f"features/{catalogue_digest}/{features_digest}/{file}"


def run(run_id: str, file: str) -> str:
    """Return the key of a file of a run, e.g. `settings.yaml` or `checkpoints/…`.

    Example:
        >>> run("train-20261123-0915-k3f9", "settings.yaml")
        'runs/train-20261123-0915-k3f9/settings.yaml'
    """
    return f"runs/{run_id}/{file}"


def trial(run_id: str, trial_id: str) -> str:
    """Return the key of one trial's result."""
    return run(run_id, f"trials/{trial_id}.json")
