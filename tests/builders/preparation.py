"""`prepare`, step by step, on whatever source."""

from pathlib import Path

from lcc.config.settings import Settings
from lcc.prepare.assembly import BuiltCatalogue, build_catalogue
from lcc.prepare.steps import hash_shards, link_shards, list_images
from lcc.prepare.task import Task
from lcc.storage.uri import open_store


class SilentCounter:
    """Counts, and shows nothing."""

    def __init__(self, total: int) -> None:
        self.total = total

    def advance(self, count: int = 1) -> None:
        self.total -= count


def a_task(
    tmp_path: Path,
    source: Path | str | None,
    *,
    root: str | None = None,
    run_id="prepare-1",
    **data,
) -> Task:
    """Return a task of `prepare` on a source."""
    families = data.pop("families", {"num_keypoints": 32, "num_neighbours": 5})
    settings = Settings.model_validate(
        {
            "storage": {"root": root or str(tmp_path / "root")},
            "data": {
                "source": source and str(source),
                "name": "tiles",
                "tile_size_px": 32,
                "num_shards": 2,
                "num_folds": 2,
                "max_class_share_deviation": 0.2,
                "families": families,
            }
            | data,
        }
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return Task(
        run_id=run_id,
        store=open_store(settings.storage.root),
        settings=settings,
        scratch=scratch,
        progress=SilentCounter,
    )


def prepare(task: Task, *, num_processes: int = 1) -> BuiltCatalogue:
    """Run all steps, the shards as so many processes would share them."""
    list_images(task)
    for step in (hash_shards, link_shards):
        for index in range(num_processes):
            step(task, process_index=index, num_processes=num_processes)
    return build_catalogue(task)
