"""Registries and face checks: asked over adapters, answered MATCH, NO_MATCH or UNAVAILABLE.

Whoever runs the platform writes the adapters to their population base (人口库), legal-entity base
(法人库) and face service; `simulated` stands in for all three from a file, in development only.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

#: The simulator's file in the deployment's home, and the longest it may be.
SIMULATOR: Final = "registries.json"
SIMULATOR_MAX: Final = 4 * 1024 * 1024
PICTURE_MAX: Final = 2 * 1024 * 1024


class Answer(StrEnum):
    MATCH = "match"
    NO_MATCH = "no_match"
    UNAVAILABLE = "unavailable"


class PopulationRegistry(Protocol):
    def match(self, name: str, number: str) -> Answer:
        """Do name and citizen ID belong together? Never raises."""
        ...


class LegalEntityRegistry(Protocol):
    def match(self, uscc: str, name: str, representative: str, number: str) -> Answer:
        """Do code, name, legal representative's name and, unless it is empty, that person's
        document number belong together? Never raises."""
        ...


class FaceCheck(Protocol):
    def compare(self, name: str, number: str, picture: bytes) -> Answer:
        """Is the picture (or the face service's token) of the holder of this document?"""
        ...


@dataclass(frozen=True, slots=True)
class Checks:
    """The registries of a deployment."""

    population: PopulationRegistry
    entities: LegalEntityRegistry
    faces: FaceCheck


def simulated(home: Path) -> Checks:
    """Checks answered from `registries.json` in `home` (docs/identity-levels.md has its form).

    The file is read at each check, so that it can be edited while the service runs; none, or one
    that is no such file, is a registry that is not available.
    """
    file = _File(home / SIMULATOR)
    return Checks(_Population(file), _Entities(file), _Faces(file))


def absent() -> Checks:
    """No registry is connected: every check is unavailable."""
    none = _File(None)
    return Checks(_Population(none), _Entities(none), _Faces(none))


@dataclass(frozen=True, slots=True)
class _File:
    path: Path | None

    def rows(self, registry: str) -> Sequence[dict[str, Any]] | None:
        """The rows of one registry; None when it cannot be asked."""
        if self.path is None:
            return None
        try:
            with self.path.open("rb") as opened:
                content = json.loads(opened.read(SIMULATOR_MAX))
            rows = content[registry]
            return [row for row in rows if isinstance(row, dict)]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None


def _found(rows: Sequence[dict[str, Any]] | None, **wanted: str) -> Answer:
    if rows is None:
        return Answer.UNAVAILABLE
    matches = any(all(row.get(key) == value for key, value in wanted.items()) for row in rows)
    return Answer.MATCH if matches else Answer.NO_MATCH


@dataclass(frozen=True, slots=True)
class _Population:
    file: _File

    def match(self, name: str, number: str) -> Answer:
        return _found(self.file.rows("population"), name=name, number=number)


@dataclass(frozen=True, slots=True)
class _Entities:
    file: _File

    def match(self, uscc: str, name: str, representative: str, number: str) -> Answer:
        rows = self.file.rows("entities")
        wanted = {"uscc": uscc, "name": name, "representative": representative}
        return _found(rows, **wanted, **({"number": number} if number else {}))


@dataclass(frozen=True, slots=True)
class _Faces:
    """The simulated face of a person is the text under "face" in their row of the population."""

    file: _File

    def compare(self, name: str, number: str, picture: bytes) -> Answer:
        rows = self.file.rows("population")
        if rows is None:
            return Answer.UNAVAILABLE
        for row in rows:
            if row.get("name") == name and row.get("number") == number:
                face = str(row.get("face") or "").encode(errors="replace")
                if face and hmac.compare_digest(face, picture):
                    return Answer.MATCH
        return Answer.NO_MATCH
