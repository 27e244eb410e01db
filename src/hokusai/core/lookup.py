"""Finds registered models again, and looks after them: one question each, by tag."""

from __future__ import annotations

from collections.abc import Mapping

from hokusai.core import arguments, entries, service
from hokusai.core.entries import ModelLineage, ModelRegistryEntry
from hokusai.core.session import Session
from hokusai.exceptions import InvalidParameterError, ModelNotFoundError, RegistryException
from hokusai_register.errors import Reason, RejectedError
from hokusai_register.registrars.catalog import Version

PRODUCTION = "production"
STAGE = "lifecycle_stage"


class Lookup(Session):
    """A registry that can be asked.

    All methods raise MLflowAuthenticationError, MLflowConnectionError or RegistryException.
    """

    def get_model_by_id(self, model_id: str) -> ModelRegistryEntry:
        """Return the newest version with this id, or the version NAME/NUMBER.

        Raises ModelNotFoundError.
        """
        with self._call():
            return self._entry(self._by_id(model_id))

    def get_model_lineage(self, model_id: str) -> ModelLineage:
        """Return a model and the baselines that it goes back to, the oldest first.

        Raises ModelNotFoundError, and RegistryException if the baselines lead round in a circle.
        """
        with self._call():
            found = [self.get_model_by_id(model_id)]
            while found[0].baseline_id:
                baseline = self.get_model_by_id(found[0].baseline_id)
                if any(baseline.model_id == entry.model_id for entry in found):
                    raise _circle(model_id, baseline.model_id)
                found.insert(0, baseline)
        total: dict[str, float] = {}
        for entry in found:
            for name, delta in entry.delta_metrics.items():
                total[name] = total.get(name, 0.0) + delta
        return ModelLineage(model_id=model_id, entries=tuple(found), total_improvement=total)

    def list_models_by_type(self, model_type: str) -> list[ModelRegistryEntry]:
        """Return all versions of one type, the newest first; none is no error."""
        with self._call():
            return self._by_tag("hokusai.model_type", model_type)

    def get_latest_model(self, model_type: str) -> ModelRegistryEntry:
        """Return the version in production, or else the newest, of one type.

        In production is what the alias `production` names. Raises ModelNotFoundError.
        """
        with self._call():
            found = self.list_models_by_type(model_type)
            if not found:
                raise _absent(f"a model of the type {model_type!a}")
            names = {entry.model_name for entry in found}
            live = [self._versions.named(name, PRODUCTION) for name in names]
        shown = {(version.name, version.number) for version in live if version}
        used = (one for one in found if (one.model_name, one.mlflow_version) in shown)
        return next(used, found[0])

    def rollback_model(self, model_type: str, target_model_id: str) -> bool:
        """Put the version with this id into production; True once the registry shows it there.

        The alias `production` names it then; the tag `lifecycle_stage` is Production, and Archived
        on the version before. Raises InvalidParameterError for one of another type,
        ModelNotFoundError.
        """
        with self._call():
            target = self._by_id(target_model_id)
            kind = self._entry(target).model_type
            if kind != model_type:
                raise _other_type(target_model_id, kind, model_type)
            before = self._versions.named(target.name, PRODUCTION)
            self._versions.move(target.name, PRODUCTION, target.number)
            now = self._versions.named(target.name, PRODUCTION)
            if now is None or now.number != target.number:
                raise _not_moved(target)
            if before and before.number != target.number:
                self._versions.retag(before.name, before.number, {STAGE: "Archived"})
            self._versions.retag(target.name, target.number, {STAGE: "Production"})
        return True

    def update_model_tags(self, model_name: str, version: str, tags: Mapping[str, str]) -> None:
        """Set tags of one version, all checked before the first is sent.

        MLflow takes them one by one: after an exception some may be set. Raises
        InvalidParameterError for what no registry keeps and for what Hokusai says itself,
        ModelNotFoundError.
        """
        checked = arguments.tags(tags)
        with self._call():
            found = self._versions.get(model_name, str(version))
            self._versions.retag(found.name, found.number, checked)

    def delete_model_version(self, model_id: str) -> bool:
        """Delete the version with this id; True once the registry does not show it any more.

        Raises ModelNotFoundError.
        """
        with self._call():
            found = self._by_id(model_id)
            try:
                self._versions.remove_version(found.name, found.number)
            except RejectedError as error:
                if error.reason is not Reason.INVALID:
                    raise
                # The service's proxy drops the body of a DELETE; the service has a way of its own.
                service.remove_version(found.name, found.number, self._settings)
            try:
                self._versions.get(found.name, found.number)
            except RejectedError as error:
                if error.reason is Reason.NOT_FOUND:
                    return True
                raise
            raise _still_there(found)

    def _by_tag(self, name: str, value: str) -> list[ModelRegistryEntry]:
        return [self._entry(version) for version in self._newest({name: value})]

    def _newest(self, tags: Mapping[str, str]) -> list[Version]:
        """Return the versions that have all these tags, the newest first."""
        return sorted(self._versions.search(tags=tags), key=_age, reverse=True)

    def _by_id(self, model_id: str) -> Version:
        found = self._versions.search(tags={entries.MODEL_ID: model_id})
        if found:
            return max(found, key=_age)
        name, slash, number = model_id.rpartition("/")
        if not slash or not name:
            raise _absent(f"a model with the id {model_id!a}")
        return self._versions.get(name, number)

    def _entry(self, version: Version) -> ModelRegistryEntry:
        return entries.of_version(version, self._place.backend)


def _age(version: Version) -> tuple[object, int]:
    """Return what the newest version has most of: two may be of the same millisecond."""
    return version.created, int("".join(filter(str.isdigit, version.number)) or 0)


def _circle(model_id: str, again: str) -> RegistryException:
    return RegistryException(
        f"the lineage of {model_id!a} has no beginning",
        why=f"its baselines lead back to {again!a}",
        fix="correct the tag `baseline_id` of one of them",
        reason=Reason.CONFLICT,
    )


def _other_type(model_id: str, kind: str, asked: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"{model_id!a} cannot be put into production",
        why=f"it is of the type {kind!a}, not {asked!a}",
        fix="correct the type, or the id; nothing was changed",
    )


def _not_moved(version: Version) -> RegistryException:
    return RegistryException(
        f"version {version.number} of {version.name} is not in production",
        why=f"the registry took the alias {PRODUCTION!a}, and shows it elsewhere, or not at all",
        fix="see whether somebody else moved it; then try again",
        reason=Reason.VERIFY_FAILED,
    )


def _still_there(version: Version) -> RegistryException:
    return RegistryException(
        f"version {version.number} of {version.name} is still there",
        why="the registry took the deletion, and shows the version as before",
        fix="try again; if that does not help, report the service",
        reason=Reason.VERIFY_FAILED,
    )


def _absent(what: str) -> ModelNotFoundError:
    return ModelNotFoundError(
        f"the registry does not have {what}",
        why="no version has such a tag",
        fix="check the name; what another key registered may be elsewhere",
    )
