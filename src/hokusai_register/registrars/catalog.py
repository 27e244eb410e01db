"""A registry that is searched and looked after: what programs ask that do more than register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hokusai_register.errors import InputError, RejectedError
from hokusai_register.registrars.calls import causes
from hokusai_register.registrars.registry import Registry

PAGE = 1_000  # versions in one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a registered model as its registry shows it; `number` is the registry's."""

    name: str
    number: str
    tags: Mapping[str, str]
    run_id: str
    created: datetime

    def matches(self, name: str, tags: Mapping[str, str]) -> bool:
        """Whether it belongs to the model `name`, if that is not blank, and has all these tags."""
        return name in ("", self.name) and tags.items() <= self.tags.items()


class Catalog(Registry):
    """The versions in a registry, found by one question each, however many models there are."""

    def search(self, name: str = "", tags: Mapping[str, str] | None = None) -> list[Version]:
        """Return the versions of the model `name` (blank: any) that have all of `tags`."""
        tags = tags or {}
        terms = [f"name = {quoted(name)}"] if name else []
        terms += [f"tags.{_key(key)} = {quoted(value)}" for key, value in tags.items()]
        found: list[Any] = []
        token: str | None = ""
        while token is not None:
            with causes():
                page = self._client.search_model_versions(
                    " AND ".join(terms), max_results=PAGE, page_token=token or None
                )
            found += page
            token = page.token or None
        # A server that compares without case, or knows no such filter, must not decide this.
        versions = (_version(shown) for shown in found)
        return [version for version in versions if version.matches(name, tags)]

    def get(self, name: str, number: str) -> Version:
        """Return one version; raises RejectedError (not-found) if there is none."""
        return _version(self.version(name, number))

    def named(self, name: str, alias: str) -> Version | None:
        """Return the version that an alias names; None if there is none."""
        try:
            return _version(self.version_at(name, alias))
        except RejectedError:
            return None

    def move(self, name: str, alias: str, number: str) -> None:
        """Let an alias name this version, an older one too."""
        with causes():
            self._name(name, alias, number)

    def retag(self, name: str, number: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version; MLflow takes them one by one."""
        for key, value in tags.items():
            self.tag_version(name, number, key, value)


def quoted(text: str) -> str:
    """Return `text` as a value of MLflow's filters, which know no escape; raises InputError."""
    for quote in "'\"":
        if quote not in text and "\\" not in text:
            return f"{quote}{text}{quote}"
    raise InputError(
        f"{text[:80]!a} cannot be searched for",
        why="MLflow's filters can hold neither a backslash nor both kinds of quotes in one value",
        fix="give names and ids without them",
    )


def _key(name: str) -> str:
    return f"`{name}`"


def _version(shown: Any) -> Version:
    created = (shown.creation_timestamp or 0) / 1000  # MLflow counts in milliseconds
    return Version(
        name=str(shown.name),
        number=str(shown.version),
        tags=dict(shown.tags),
        run_id=str(shown.run_id or ""),
        created=datetime.fromtimestamp(created, UTC),
    )
