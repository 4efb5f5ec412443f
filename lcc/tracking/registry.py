"""MLflow's model registry: one version per run, and an alias that moves forward.

Knows what a version is named and tagged; the client that it is given is MLflow's.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lcc.storage.uri import local_path


@dataclass(frozen=True, slots=True)
class Registry:
    """One registered model: its versions and its alias.

    Attributes:
        client: An `MlflowClient`.
        name: Of the registered model.
    """

    client: Any
    name: str

    def register(
        self, run_id: str, folder: Path, *, alias: str, mlflow_id: str
    ) -> None:
        """Register the folder as a version, unless the run has one; move the alias.

        The alias only moves forward: a late report of an old run must not take it from
        the model of a newer one.
        """
        version = self._version_of(run_id)
        if version is None:
            version = self._create_version(run_id, folder, mlflow_id=mlflow_id)
        if self._aliased(alias) < version:
            self.client.set_registered_model_alias(self.name, alias, str(version))

    def run_of_alias(self, alias: str) -> str | None:
        """Return the run id of the version with this alias, None without one."""
        version = self._aliased(alias)
        if not version:
            return None
        found = self.client.get_model_version(self.name, str(version))
        run_id = found.tags.get("lcc.run")
        return None if run_id is None else str(run_id)

    def _create_version(self, run_id: str, folder: Path, *, mlflow_id: str) -> int:
        self.client.log_artifacts(mlflow_id, str(folder), "model")
        if self._model() is None:
            self.client.create_registered_model(self.name)
        run = self.client.get_run(mlflow_id)
        if run.info.artifact_uri.startswith("file:"):
            share_files(folder, local_path(f"{run.info.artifact_uri}/model"))
        version = self.client.create_model_version(
            self.name,
            source=f"{run.info.artifact_uri}/model",
            run_id=mlflow_id,
            tags={"lcc.run": run_id},
        )
        return int(version.version)

    def _version_of(self, run_id: str) -> int | None:
        for version in self.client.search_model_versions(f"name = '{self.name}'"):
            if version.tags.get("lcc.run") == run_id:
                return int(version.version)
        return None

    def _aliased(self, alias: str) -> int:
        """Return the number of the version with this alias, 0 without one."""
        model = self._model()
        return 0 if model is None else int(model.aliases.get(alias, 0))

    def _model(self) -> Any:
        found = self.client.search_registered_models(f"name = '{self.name}'")
        return found[0] if found else None


def share_files(folder: Path, copies: Path) -> None:
    """Make each copied file one with its original, so that its bytes are kept once.

    Models are never changed. Where a file system cannot link, the copy stays.

    Args:
        folder: The originals, or links to them.
        copies: Holds a copy of each, under the same name.
    """
    for path in folder.rglob("*"):
        original, copy = path.resolve(), copies / path.relative_to(folder)
        if not original.is_file() or not copy.is_file() or copy.samefile(original):
            continue
        link = copy.with_name(f".lcc-link-{copy.name}")
        with suppress(OSError):
            os.link(original, link)
            link.replace(copy)
