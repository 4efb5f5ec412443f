"""MLflow's model registry: one version per run, and aliases.

`candidate` moves forward by itself, `champion` by a person's command alone. Knows what
a version is named and tagged; the client that it is given is MLflow's.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lcc.config.commands import command_line
from lcc.errors import NotFoundError, UnavailableError
from lcc.storage.uri import local_path
from lcc.tracking.champion import (
    CHAMPION,
    MAX_CHARACTERS,
    PREFIX,
    Action,
    Change,
    now,
    read_change,
    version_before,
)

CANDIDATE = "candidate"  # the alias of the version registered last
ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}  # of model, of alias
CUT = "\n\n(cut: the whole card is an artifact of the evaluation)\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredVersion:
    """A version of the registered model.

    Attributes:
        number: From 1.
        run_id: Train run that made it, empty where it is not ours.
        evaluation: That it was promoted by, empty where it was not.
    """

    number: int
    run_id: str
    evaluation: str = ""


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
        version = self.version_of(run_id)
        if version is None:
            version = self._create_version(run_id, folder, mlflow_id=mlflow_id)
        found = self.of_alias(alias)
        if found is None or found.number < version:
            self.client.set_registered_model_alias(self.name, alias, str(version))

    def of_alias(self, alias: str) -> RegisteredVersion | None:
        """Return the version with this alias, None without one.

        Asked for by the alias: what a search returns may come without its aliases.
        """
        try:
            found = self.client.get_model_version_by_alias(self.name, alias)
        except Exception as err:
            if getattr(err, "error_code", None) not in ABSENT:
                raise
            return None
        return _registered(found)

    def of_number(self, number: int) -> RegisteredVersion | None:
        """Return the version with this number, None without one."""
        try:
            found = self.client.get_model_version(self.name, str(number))
        except Exception as err:
            if getattr(err, "error_code", None) not in ABSENT:
                raise
            return None
        return _registered(found)

    def describe(self, run_id: str, text: str) -> bool:
        """Set the description of a run's version; return whether there is one."""
        version = self.version_of(run_id)
        if version is None:
            return False
        if len(text) > MAX_CHARACTERS:
            text = text[: MAX_CHARACTERS - len(CUT)].rpartition("\n")[0] + CUT
        self.client.update_model_version(self.name, str(version), text)
        return True

    def promote(self, change: Change, *, description: str) -> Change:
        """Make the version of `change.run` champion; return the change as it was made.

        Nothing moves where it has the alias already.

        Args:
            change: Its `before` is the champion that the gate met; `after` is filled
                in here.
            description: Of the version.

        Raises:
            NotFoundError: The run has no version.
            UnavailableError: Another one has become champion meanwhile.
        """
        version = self.version_of(change.run)
        if version is None:
            message = (
                f"{change.run}: must have a version of {self.name}, got none. Send "
                f"what waits for MLflow: {command_line('status', change.run)}"
            )
            raise NotFoundError(message)
        found = self.of_alias(CHAMPION)
        number = 0 if found is None else found.number
        if number != change.before:
            message = (
                f"{CHAMPION} of {self.name}: must be version {change.before or 'none'} "
                f"as it was judged, got {number or 'none'} by now. Try again."
            )
            raise UnavailableError(message)
        self.describe(change.run, description)
        change = replace(change, after=version)
        if version != number:
            self._move_champion(change)
        return change

    def roll_back(self, *, who: str, why: str) -> Change:
        """Give the alias `champion` back to the version that had it before.

        Args:
            who: Does it.
            why: In their words, may be empty.

        Raises:
            NotFoundError: There is no champion, or was none before.
        """
        current = self.of_alias(CHAMPION)
        before = current and self._before(current.number)
        if current is None or before is None:
            found = f"version {current.number} alone" if current else "none"
            message = (
                f"{CHAMPION} of {self.name}: must have had another version before, got "
                f"{found}. To make one champion: {command_line('promote', 'RUN')}"
            )
            raise NotFoundError(message)
        change = Change(
            action=Action.ROLLBACK,
            before=current.number,
            after=before.number,
            run=before.run_id,
            who=who,
            when=now(),
            why=why,
        )
        self._move_champion(change)
        return change

    def history(self) -> tuple[Change, ...]:
        """Return the changes of the champion, oldest first."""
        return tuple(read_change(text) for _, text in sorted(self._history_tags()))

    def _move_champion(self, change: Change) -> None:
        """Note a change, then move the alias.

        Where only the first was done, the alias still tells who is champion.
        """
        key = f"{PREFIX}{len(self._history_tags()) + 1:04d}"
        self.client.set_registered_model_tag(self.name, key, change.dump())
        after = str(change.after)
        if change.evaluation:
            own = {"lcc.evaluation": change.evaluation, "lcc.promoted": change.dump()}
            for name, value in own.items():
                self.client.set_model_version_tag(self.name, after, name, value)
        self.client.set_registered_model_alias(self.name, CHAMPION, after)

    def _before(self, current: int) -> RegisteredVersion | None:
        versions = {own.number: own for own in self._versions()}
        number = version_before(self.history(), current, existing=set(versions))
        return versions.get(number)

    def _history_tags(self) -> list[tuple[str, str]]:
        try:
            model = self.client.get_registered_model(self.name)
        except Exception as err:
            if getattr(err, "error_code", None) not in ABSENT:
                raise
            return []
        return [(n, text) for n, text in model.tags.items() if n.startswith(PREFIX)]

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

    def version_of(self, run_id: str) -> int | None:
        """Return the number of the version that a train run made, None without one."""
        return next(
            (own.number for own in self._versions() if own.run_id == run_id), None
        )

    def _versions(self) -> Iterator[RegisteredVersion]:
        found = self.client.search_model_versions(f"name = '{self.name}'")
        return map(_registered, found)

    def _model(self) -> Any:
        found = self.client.search_registered_models(f"name = '{self.name}'")
        return found[0] if found else None


def _registered(version: Any) -> RegisteredVersion:
    return RegisteredVersion(
        number=int(version.version),
        run_id=str(version.tags.get("lcc.run", "")),
        evaluation=str(version.tags.get("lcc.evaluation", "")),
    )


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
