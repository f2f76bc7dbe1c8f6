"""`python -m server.openapi > openapi.yaml`: the interface's description, the same every time."""

import sys
from pathlib import Path
from typing import Any

from server.app import create_app
from trust.settings import Settings


def describe() -> dict[str, Any]:
    """The OpenAPI document. It depends on the code alone: no key, database or environment."""
    app = create_app(Settings.model_construct(home=Path("build"), development=True))
    return app.openapi()


def as_yaml(document: dict[str, Any]) -> str:
    """YAML 1.1 in the order of the routes. PyYAML is a tool of the build, not of the platform."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True  # equal parts are written out, not referred to

    def write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = "|" if "\n" in text else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, write_text)
    return str(yaml.dump(document, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=100))


if __name__ == "__main__":
    sys.stdout.write(as_yaml(describe()))
