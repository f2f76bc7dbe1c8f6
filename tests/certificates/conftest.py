"""Fixtures of whole regions."""

from tests.network import pair
from tests.regions import postgresql_region, region, sqlite_region

__all__ = ["pair", "postgresql_region", "region", "sqlite_region"]
