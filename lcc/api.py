"""What `import lcc` offers: families, audits of any image set, and trained models."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lcc.audit.leaks import SplitAudit
from lcc.audit.report import write_report
from lcc.audit.split_audit import audit_split, audit_splits
from lcc.families.find import Families, find_families

if TYPE_CHECKING:
    from lcc.predict.loaded import LoadedModel

__all__ = [
    "Families",
    "SplitAudit",
    "audit_split",
    "audit_splits",
    "find_families",
    "load_model",
    "write_report",
]

LOCAL_ROOT = "lcc-study"  # of the working folder, as of `lcc-launch --local`


def load_model(place: str | Path, *, root: str | Path = LOCAL_ROOT) -> "LoadedModel":
    """Return a trained model that answers images, `model.predict(["a.png", array])`.

    Needs TensorFlow: `lcc[worker]`. A train run answers by the temperature and the
    thresholds of its latest evaluation; without one, every image is answered.

    Args:
        place: A folder that `lcc-launch export` wrote, or a train run.
        root: Where the results of the train run lie: a folder, or s3://bucket/prefix.

    Raises:
        ConfigError: TensorFlow, or what runs an exported network, is not installed.
        NotFoundError: There is no such folder or train run.
        DataError: A file is not the one that was trained, or exported.

    Example:
        model = lcc.load_model("train-20261128-0808-g44w", root="lcc-study")
        model.predict(["new-tiles/a.png"])
    """
    from lcc.launch.needs import check_installed

    check_installed(("tensorflow", "pandas"), what="load_model")
    from lcc.config.load import SettingsSources
    from lcc.launch.models import check_trained, latest_evaluation
    from lcc.predict.loaded import open_exported, open_trained
    from lcc.storage.uri import open_store

    model_run = str(place).removeprefix("runs/")
    if "/" in model_run or Path(place).is_dir():
        return open_exported(Path(place))
    sources = SettingsSources(
        variables=dict(os.environ), flags={"storage.root": str(root)}
    )
    store = open_store(str(root), sources.load().storage)
    check_trained(store, model_run, setting="place")
    evaluation = latest_evaluation(store, model_run)
    with tempfile.TemporaryDirectory() as scratch:
        return open_trained(store, model_run, evaluation, scratch=Path(scratch))
