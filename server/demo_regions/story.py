"""The story that is told of a hub and two regions: who is in it, and the account so far."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from server.demo_regions.site import Said, Site, SiteFailed, shown

BUSINESS_LICENCE: Final = "11100000MB0143028R001"
#: (authority, its people's short name) of each region.
AUTHORITIES: Final = {"ali": "11542500999000056Q", "dingxi": "116211009990000566"}
PASSED, FAILED, UNKNOWN = "PASSED", "FAILED", "INDETERMINATE"
WORDS: Final = {PASSED: "通过", FAILED: "不通过", UNKNOWN: "无法确定"}


@dataclass(frozen=True, slots=True)
class Issued:
    """A licence as its holder has it: a file, the code's text, a picture of the code."""

    identifier: str
    number: str
    file: Path
    claim: str
    picture: Path


@dataclass
class Story:
    """The account so far: `held` counts what was as it should be, `wrong` names what was not."""

    hub: Site
    ali: Site
    dingxi: Site
    home: Path
    held: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def sites(self) -> tuple[Site, Site, Site]:
        return self.hub, self.ali, self.dingxi

    def say(self, text: str) -> None:
        print(text, flush=True)

    def expect(self, what: str, *, so: bool, told: str = "") -> None:
        """`so` is what should be true; `told` what there is to see."""
        if so:
            self.held += 1
        else:
            self.wrong.append(what)
        self.say(f"   {'✓' if so else '✗ WRONG'} {what}{': ' if told else ''}{told}")

    def operate(self, site: Site, *words: object) -> Said:
        """A command of the region's operator, shown as it is typed; SiteFailed when it fails."""
        self.say(f"   {site.name}$ trust {shown(words, within=self.home)}")
        said = site.operate(*words)
        if said.code != 0:
            raise SiteFailed(f"{site.name}: trust {words[0]} ended with {said.code}: {said.text}")
        return said

    def report(self, what: str, found: dict[str, Any], wanted: str) -> None:
        """A verification's report, against what it should say; told with the first leg that did
        not pass."""
        outcome = str(found.get("outcome", "no answer"))
        legs = [each for each in found.get("checks", []) if each["outcome"] != PASSED]
        why = f" ({legs[0]['reason']['zh']} {legs[0]['reason']['en']})" if legs else ""
        self.expect(what, so=outcome == wanted, told=f"{WORDS.get(outcome, '')} {outcome}{why}")
