"""Rules of the whole house: every error has a status, the description is current."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import ca
import certificates
import seal
import server
import sso
import trust
from server import openapi, problems
from trust.errors import TrustError

ROOT = Path(__file__).resolve().parent.parent


def errors() -> list[type[TrustError]]:
    """Every kind of refusal in the house, TrustError itself left out."""
    for package in (trust, ca, sso, seal, certificates, server):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)
    pending: list[type[TrustError]] = [TrustError]
    known: list[type[TrustError]] = []
    while pending:
        below = pending.pop().__subclasses__()
        known += [kind for kind in below if not kind.__module__.startswith("tests")]
        pending += below
    return sorted(set(known), key=lambda kind: (kind.__module__, kind.__qualname__))


@pytest.mark.parametrize("kind", errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status(kind: type[TrustError]) -> None:
    assert 400 <= problems.status_of(kind) < 600


def test_every_code_belongs_to_one_error() -> None:
    owners: dict[str, list[str]] = {}
    kinds: list[type[TrustError]] = [TrustError, *errors()]
    for kind in kinds:
        # A class without a code of its own takes its base's, or gives each instance one.
        if "code" in vars(kind) and isinstance(vars(kind)["code"], str):
            owners.setdefault(kind.code, []).append(kind.__qualname__)
    assert {code: found for code, found in owners.items() if len(found) > 1} == {}


def test_every_code_is_lower_case_words() -> None:
    for kind in errors():
        if isinstance(vars(kind).get("code"), str):
            assert kind.code.replace("_", "").isalpha()
            assert kind.code.islower()


def test_every_status_has_a_title_in_both_languages() -> None:
    assert set(problems.STATUS.values()) <= set(problems.TITLES)


def test_the_interfaces_description_is_current() -> None:
    written = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    assert written == openapi.as_yaml(openapi.describe()), "run `make openapi`"
    assert yaml.safe_load(written) == openapi.describe()


def test_the_description_is_the_same_from_another_process_with_another_environment() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "server.openapi"], cwd=ROOT, capture_output=True, check=True,
        env={"PATH": "/usr/bin:/bin", "TRUST_PORT": "1", "TRUST_BASE_URL": "nonsense",
             "PYTHONHASHSEED": "7"},
    ).stdout.decode()  # fmt: skip
    assert said == (ROOT / "openapi.yaml").read_text(encoding="utf-8")
