"""Where each object lies under the root: every key is spelled here and nowhere else.

Functions named a prefix return the beginning of keys, for listings.
"""

import hashlib
import json
import re

FORMAT_VERSION = 3  # raised when the bytes of any object change their meaning

DATASETS_PREFIX = "datasets/"
RUNS_PREFIX = "runs/"


def input_digest(**parts: object) -> str:
    """Return the digest of all that the bytes of an object depend on.

    The format version is always included, so that objects of another version are never
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


# Data sets


def dataset_source(name: str) -> str:
    """Return the key of the note that says where a data set came from."""
    return f"{DATASETS_PREFIX}{name}/source.json"


def listing(name: str, digest: str) -> str:
    """Return the key of one listing of a source."""
    return f"{DATASETS_PREFIX}{name}/listings/{digest}.parquet"


def latest(name: str) -> str:
    """Return the key of the pointer to the latest catalogue; it is written last."""
    return f"{DATASETS_PREFIX}{name}/latest.json"


def dataset_of_latest(key: str) -> str | None:
    """Return the data set that `latest` gave the key of, None for another key.

    Example:
        >>> dataset_of_latest(latest("tiles")), dataset_of_latest(dataset_source("a"))
        ('tiles', None)
    """
    found = re.fullmatch(rf"{DATASETS_PREFIX}([^/]+)/latest\.json", key)
    return found[1] if found else None


def catalogue(name: str, digest: str) -> str:
    """Return the key of a catalogue's table of images."""
    return _catalogue(name, digest, "catalogue.parquet")


def catalogues_prefix(name: str, digits: str) -> str:
    """Return the prefix of the catalogues whose digest begins with some digits."""
    return _catalogue(name, digits, "").rstrip("/")


def catalogue_digest_of(key: str) -> str | None:
    """Return the digest that `catalogue` gave the key of, None for another key.

    Example:
        >>> catalogue_digest_of(catalogue("tiles", "ab12"))
        'ab12'
    """
    found = re.fullmatch(
        rf"{DATASETS_PREFIX}[^/]+/catalogues/([^/]+)/catalogue\.parquet", key
    )
    return found[1] if found else None


def families(name: str, digest: str) -> str:
    """Return the key of a catalogue's table of families."""
    return _catalogue(name, digest, "families.parquet")


def edges(name: str, digest: str) -> str:
    """Return the key of the verified edges between a catalogue's images."""
    return _catalogue(name, digest, "edges.parquet")


def splits(name: str, digest: str) -> str:
    """Return the key of the checks that a catalogue's splits passed."""
    return _catalogue(name, digest, "splits.json")


def audit(name: str, digest: str) -> str:
    """Return the key of a catalogue's counts and findings."""
    return _catalogue(name, digest, "audit.json")


def tile_index(name: str, digest: str, size_px: int) -> str:
    """Return the key of the note which objects hold a catalogue's tiles of one size."""
    return _catalogue(name, digest, f"tiles-{size_px}px.json")


def tile_indexes_prefix(name: str, digest: str) -> str:
    """Return the prefix of the notes on a catalogue's tiles, whatever their size."""
    return _catalogue(name, digest, "tiles-")


def test_readings_prefix(name: str, digest: str) -> str:
    """Return the prefix of the notes on who has read a catalogue's test split."""
    return _catalogue(name, digest, "readings/")


def test_reading(name: str, digest: str, run_id: str) -> str:
    """Return the key of the note that a run has read a catalogue's test split."""
    return f"{test_readings_prefix(name, digest)}{run_id}"


def _catalogue(name: str, digest: str, file: str) -> str:
    return f"{DATASETS_PREFIX}{name}/catalogues/{digest}/{file}"


# Work in shards


def shard(
    digest: str, step: str, shard_index: int, *, num_shards: int, suffix: str
) -> str:
    """Return the key of one object of a shard of `hash`, `link` or `predict`.

    Example:
        >>> shard("ab12", "hash", 3, num_shards=16, suffix="parquet")
        'work/ab12/hash/shard-00003-of-00016.parquet'
    """
    return f"work/{digest}/{step}/{_shard_name(shard_index, num_shards)}.{suffix}"


def shards_of(key: str) -> tuple[str, int] | None:
    """Return digest and number of the shards that a key is one of, else None.

    Example:
        >>> shards_of("work/ab12/hash/shard-00003-of-00016.tiles")
        ('ab12', 16)
    """
    found = re.fullmatch(r"work/([^/]+)/[^/]+/shard-\d+-of-(\d+)\.[a-z]+", key)
    return (found[1], int(found[2])) if found else None


def features_shard(
    catalogue_digest: str, features_digest: str, shard_index: int, *, num_shards: int
) -> str:
    """Return the key of one shard of frozen-backbone features.

    Example:
        >>> features_shard("ab12", "cd34", 0, num_shards=8)
        'features/ab12/cd34/shard-00000-of-00008.npy'
    """
    name = _shard_name(shard_index, num_shards)
    return f"features/{catalogue_digest}/{features_digest}/{name}.npy"


def _shard_name(shard_index: int, num_shards: int) -> str:
    return f"shard-{shard_index:05d}-of-{num_shards:05d}"


# Runs


def run_settings(run_id: str) -> str:
    """Return the key of the settings that a run was started with.

    Example:
        >>> run_settings("train-20261123-0915-k3f9")
        'runs/train-20261123-0915-k3f9/settings.yaml'
    """
    return _run(run_id, "settings.yaml")


def run_state(run_id: str) -> str:
    """Return the key of how far a run is."""
    return _run(run_id, "state.json")


def claims_prefix(run_id: str) -> str:
    """Return the prefix of the claims of a run; keys sort by number."""
    return _run(run_id, "claims/")


def claim(run_id: str, number: int) -> str:
    """Return the key of the note who works on a run; the highest number counts."""
    return f"{claims_prefix(run_id)}{number:06d}.json"


def run_of_state(key: str) -> str | None:
    """Return the run that `run_state` gave the key of, None for another key.

    Example:
        >>> run_of_state(run_state("r1")), run_of_state(run_settings("r1"))
        ('r1', None)
    """
    found = re.fullmatch(rf"{RUNS_PREFIX}([^/]+)/state\.json", key)
    return found[1] if found else None


def listing_pointer(run_id: str) -> str:
    """Return the key of the pointer from a prepare run to its listing."""
    return _run(run_id, "listing.json")


def not_listed(run_id: str) -> str:
    """Return the key of the table of files that a prepare run did not list."""
    return _run(run_id, "not-listed.parquet")


def left_out(run_id: str) -> str:
    """Return the key of the table of all files that a prepare run left out."""
    return _run(run_id, "left-out.csv")


def left_out_summary(run_id: str) -> str:
    """Return the key of the counts of that table, and how classes were told."""
    return _run(run_id, "left-out.json")


def catalogue_pointer(run_id: str) -> str:
    """Return the key of the pointer from a prepare run to the catalogue it made."""
    return _run(run_id, "catalogue.json")


def trial(run_id: str, trial_id: str) -> str:
    """Return the key of one trial's result."""
    return _run(run_id, f"trials/{trial_id}.json")


def trial_predictions(run_id: str, trial_id: str) -> str:
    """Return the key of what one trial's model said of the fold it did not see."""
    return _run(run_id, f"trials/{trial_id}.npy")


def search_table(run_id: str) -> str:
    """Return the key of the table of a search's results."""
    return _run(run_id, "cv_results.csv")


def best_point(run_id: str) -> str:
    """Return the key of the point that a search chose."""
    return _run(run_id, "best.json")


def checkpoints_prefix(run_id: str) -> str:
    """Return the prefix of a training's checkpoints."""
    return _run(run_id, "checkpoints/")


def checkpoint(run_id: str, step: int) -> str:
    """Return the key of the checkpoint after a step; keys sort by step."""
    return f"{checkpoints_prefix(run_id)}{step:09d}.npz"


def model(run_id: str) -> str:
    """Return the key of the model that a run trained, in Keras' own format."""
    return model_file(run_id, "model.keras")


def model_card(run_id: str) -> str:
    """Return the key of what a trained model is; it is written last of all."""
    return model_file(run_id, "model.json")


def model_file(run_id: str, name: str) -> str:
    """Return the key of a file of a trained model."""
    return _run(run_id, f"model/{name}")


def history(run_id: str) -> str:
    """Return the key of a training's metrics by epoch."""
    return _run(run_id, "history.csv")


def evaluation(run_id: str, name: str) -> str:
    """Return the key of a result of `evaluate`, e.g. `metrics.json`."""
    return _run(run_id, name)


def metrics(run_id: str) -> str:
    """Return the key of all figures of an evaluation."""
    return evaluation(run_id, "metrics.json")


def predictions(run_id: str) -> str:
    """Return the key of what a model said of every image."""
    return evaluation(run_id, "predictions.parquet")


def images_listed(run_id: str) -> str:
    """Return the key of the table of images that a predict run is to answer."""
    return _run(run_id, "images.parquet")


def images_note(run_id: str) -> str:
    """Return the key of what is known of these images; it is written after them."""
    return _run(run_id, "images.json")


def predictions_csv(run_id: str) -> str:
    """Return the key of the same as `predictions` holds, as CSV."""
    return _run(run_id, "predictions.csv")


def predictions_summary(run_id: str) -> str:
    """Return the key of the counts of what a predict run answered; written last."""
    return _run(run_id, "summary.json")


def compared(run_id: str) -> str:
    """Return the key of what those said that an evaluation compares a model with."""
    return evaluation(run_id, "compared.parquet")


def card_answers(run_id: str) -> str:
    """Return the key of what a person said for the cards of an evaluation."""
    return evaluation(run_id, "card.yaml")


def report(run_id: str) -> str:
    """Return the key of the report of an evaluation."""
    return evaluation(run_id, "report.html")


def mlflow_model_prefix(run_id: str) -> str:
    """Return the prefix of what MLflow's form of a model has besides the network."""
    return _run(run_id, "mlflow-model/")


def mlflow_model_file(run_id: str, name: str) -> str:
    """Return the key of one of a model's files for MLflow."""
    return f"{mlflow_model_prefix(run_id)}{name}"


def spool_prefix(run_id: str) -> str:
    """Return the prefix of the events that wait for MLflow, and of who sent them."""
    return _run(run_id, "spool/")


def spool_chunk(run_id: str, writer: str, number: int) -> str:
    """Return the key of one chunk of a process' events; keys sort by number."""
    return f"{spool_prefix(run_id)}{writer}/{number:06d}.jsonl"


def spool_sent(run_id: str) -> str:
    """Return the key of the list of chunks that MLflow has."""
    return f"{spool_prefix(run_id)}sent.json"


def progress_prefix(run_id: str, job: str) -> str:
    """Return the prefix of the notes on how far the processes of a Job are."""
    return _run(run_id, f"progress/{job}/")


def progress(run_id: str, job: str, process_index: int) -> str:
    """Return the key of the note on how far one process of a Job is."""
    return f"{progress_prefix(run_id, job)}{process_index:05d}"


def waits_prefix(run_id: str) -> str:
    """Return the prefix of the notes on how long processes waited for the store."""
    return _run(run_id, "waits/")


def waits(run_id: str, writer: str) -> str:
    """Return the key of the note on how long one process waited for the store."""
    return f"{waits_prefix(run_id)}{writer}.json"


def logs_prefix(run_id: str) -> str:
    """Return the prefix of a run's logs."""
    return _run(run_id, "logs/")


def process_log(run_id: str, step: str, process_index: int) -> str:
    """Return the key of the log of a step's process on this machine."""
    return f"{logs_prefix(run_id)}{step}/{process_index:05d}.log"


def pod_log(run_id: str, job: str, pod: str) -> str:
    """Return the key of the log that a pod left."""
    return f"{logs_prefix(run_id)}{job}/{pod}.log"


def _run(run_id: str, file: str) -> str:
    return f"{RUNS_PREFIX}{run_id}/{file}"
