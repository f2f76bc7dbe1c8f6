"""`trust demo-regions` as a command: the whole story, and nothing left of it but its folder."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from server import cli, loopback_names, ports
from server.commands import demo_regions
from server.demo_regions import site
from server.demo_regions.browser import Browser, PageMissing
from server.exits import CONFLICT

SECONDS = 600


@dataclass(frozen=True)
class Told:
    """The story told once: its folder, its lines, its exit code."""

    home: Path
    lines: list[str]
    code: int


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    home = tmp_path_factory.mktemp("regions")
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TRUST_")}
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "demo-regions"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env=kept | {"TRUST_HOME": str(home)}, timeout=SECONDS,
        check=False,
    )  # fmt: skip
    return Told(home, done.stdout.decode().splitlines(), done.returncode)


def _services(home: Path) -> set[int]:
    """Processes that serve a region of that demonstration."""
    found = set()
    for each in Path("/proc").glob("[0-9]*"):
        try:
            words = (each / "cmdline").read_bytes().split(b"\0")
            environment = (each / "environ").read_bytes()
        except OSError:
            continue  # gone meanwhile, or somebody else's
        if (
            b"server.demo_regions.service" in words
            and f"TRUST_HOME={home}/".encode() in environment
        ):
            found.add(int(each.name))
    return found


def test_the_whole_story_holds_and_leaves_no_process(told: Told) -> None:
    assert told.code == 0, "\n".join(told.lines[-40:])
    assert told.lines[-1].startswith("✓ 全部符合预期")
    assert not any("WRONG" in line for line in told.lines)
    steps = [line[0] for line in told.lines if line and line[0] in "①②③④⑤⑥⑦⑧⑨⑩"]
    assert steps == list("①②③④⑤⑥⑦⑧⑨⑩")
    assert _services(told.home) == set()
    for name in ("hub", "ali", "dingxi"):
        assert (told.home / name / "trust.db").is_file()


def test_a_service_ends_when_whoever_started_it_is_gone(told: Told) -> None:
    """As after a kill that nobody can catch: the other end of its pipe is closed."""
    loopback_names.answer()
    (port,) = site.free_ports(1)
    made = site.make(
        "late", "阿里地区", "542500", home=told.home / "late", port=port, parser=cli.parser
    )
    settings = made.settings.model_copy(update={"home": told.home / "ali"})
    found = site.Site("ali", "阿里地区", "542500", settings, cli.parser)
    with site.all_stopped((made, found)):
        found.start()
        found.await_answer()
        assert len(_services(told.home)) == 1
        assert found._service is not None
        assert found._service.stdin is not None
        found._service.stdin.close()
        assert found._service.wait(60) == -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["TERM", "HUP"])
def test_told_to_end_it_ends_by_the_way_out(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended, demo_regions.ended_as_by_hand():
        os.kill(os.getpid(), number)
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) is before


def test_a_folder_that_is_no_demonstration_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    monkeypatch.setenv("TRUST_HOME", str(tmp_path))
    assert cli.main(["demo-regions"]) == CONFLICT
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert "[conflict]" in capsys.readouterr().err


def test_names_below_localhost_are_this_machine() -> None:
    loopback_names.answer()
    loopback_names.answer()
    with ports.bind("127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"http://ali.localhost:{port}/", trust_env=False, timeout=0.2)


def test_a_page_that_does_not_come_is_told() -> None:
    (port,) = site.free_ports(1)
    with Browser() as browser, pytest.raises(PageMissing, match="ConnectError"):
        browser.get(f"http://127.0.0.1:{port}/")
