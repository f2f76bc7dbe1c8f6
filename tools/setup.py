"""Makes the virtual environment: pinned packages by hash, and the project itself in place.

Runs on a bare python3 (Debian's has no ensurepip), so it uses the standard library alone.
"""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(directory: str) -> int:
    """Build or bring up to date the environment in `directory`; pip's own exit code."""
    if sys.version_info < (3, 11):
        print("python 3.11 or newer is needed", file=sys.stderr)
        return 1
    target = Path(directory).resolve()
    if not (target / "bin" / "python").exists():
        venv.create(target, with_pip=False, symlinks=True)
    wheel = next((ROOT / "tools").glob("pip-*-py3-none-any.whl"))
    pip = [str(target / "bin" / "python"), str(wheel / "pip")]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    code = subprocess.call(
        [*pip, "install", *quiet, "--require-hashes", "-r", str(ROOT / "requirements.lock")]
    )
    if code == 0:
        code = _link(target)
    return code


def _link(target: Path) -> int:
    """The project's packages by a .pth file and its command by a script: nothing to build."""
    python = target / "bin" / "python"
    purelib = subprocess.check_output(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], text=True
    ).strip()
    (Path(purelib) / "trust_platform.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    script = target / "bin" / "trust"
    script.write_text(
        f"#!{python}\nimport sys\n\nfrom server.cli import main\n\nsys.exit(main())\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ".venv"))
