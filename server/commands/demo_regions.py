"""`trust demo-regions`: a hub and two regions that recognise each other, told as it goes; 0 only if
all of it held."""

import argparse
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from server.demo_regions import login, site, steps
from server.demo_regions.site import Site
from server.demo_regions.story import Story
from server.exits import CannotWrite
from server.platform import Platform
from trust.errors import Conflict
from trust.lists_model import NATION

#: By this an earlier demonstration is known, which alone may be removed.
MARK = "demo-regions"
#: (short name, name, code); the host name is the short name below localhost.
REGIONS = (
    ("hub", "国家互认枢纽", NATION), ("ali", "阿里地区", "542500"), ("dingxi", "定西市", "621100"),
)  # fmt: skip


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "demo-regions", help="演示互认 / a hub and two regions that recognise each other"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, platform: Platform) -> int:
    """Three services on loopback while it lasts; none is left, however it ends."""
    home = platform.settings.home.resolve()
    _begin_anew(home)
    hub, ali, dingxi = _sites(home, arguments.parser)
    with ended_as_by_hand(), site.all_stopped((hub, ali, dingxi)):
        story = Story(hub, ali, dingxi, home)
        steps.tell(story)
        login.tell(story)
    if story.wrong:
        print(f"✗ 未达预期 went wrong: {', '.join(story.wrong)}")
        return 1
    print(f"✓ 全部符合预期 all {story.held} held")
    return 0


def _begin_anew(home: Path) -> None:
    if home.exists() and any(home.iterdir()):
        if not (home / MARK).exists():
            raise Conflict(f"{home} is not empty and no demonstration of regions")
        shutil.rmtree(home)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / MARK).touch()
    except OSError as error:
        raise CannotWrite(f"{home} cannot be written: {error.strerror}") from error


def _sites(home: Path, parser: Callable[[], argparse.ArgumentParser]) -> tuple[Site, Site, Site]:
    ports = site.free_ports(len(REGIONS))
    hub, ali, dingxi = (
        site.make(name, title, code, home=home / name, port=port, parser=parser)
        for (name, title, code), port in zip(REGIONS, ports, strict=True)
    )
    return hub, ali, dingxi


@contextmanager
def ended_as_by_hand() -> Iterator[None]:
    """Told to end, it ends as by Ctrl-C: what it started is stopped on the way out."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {each: signal.signal(each, leave) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
        sys.stdout.flush()
