"""Fixtures of whole regions."""

import sso.cleaning_rules  # noqa: F401 - all tables of the package
from tests.regions import postgresql_region, region, sqlite_region

__all__ = ["postgresql_region", "region", "sqlite_region"]
