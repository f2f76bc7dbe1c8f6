"""Fixtures of whole regions, for seals that live."""

from tests.regions import postgresql_region, region, sqlite_region

__all__ = ["postgresql_region", "region", "sqlite_region"]
