"""The last steps of the story: a person of one region signs in at the other, and out again, through
the pages of both."""

import json
import secrets
import time
from typing import Final

from server.demo_regions.browser import Browser, Shown
from server.demo_regions.site import Site
from server.demo_regions.story import Story
from server.region_login import LOGIN

PERSON: Final = ("扎西", "542521198808150013", "zhaxi")
#: The service tells the other region of a logout within seconds.
PATIENCE: Final = 15.0


def tell(story: Story) -> None:
    """Logins are recognised both ways; then somebody of 阿里 comes to 定西, twice."""
    story.say("⑩ 跨区登录 a person of one region signs in at the other")
    password = _prepare(story)
    with Browser() as browser:
        _come(story, browser, password)
        _leave_here(story, browser)
    with Browser() as browser:
        page = _sign_in(story, browser, password)
        story.expect("再次登录 signed in again", so=page.url.endswith("/account"))
        _leave_there(story, browser)
    _withdraw(story)


def _prepare(story: Story) -> str:
    name, number, username = PERSON
    password = secrets.token_urlsafe(15) + "-7Aa"
    file = story.ali.home / "password"
    file.write_text(password + "\n", encoding="ascii")
    story.operate(
        story.ali, "user", "add", "--name", name, "--id-number", number, "--username", username,
        "--level", 2, "--password-file", file,
    )  # fmt: skip
    for site, other in ((story.ali, story.dingxi), (story.dingxi, story.ali)):
        story.operate(site, "region", "policy", other.code, "--type", LOGIN,
                      "--say", "conditional", "--level", 1)  # fmt: skip
        told = json.loads(site.operate("region", "login", "--json").text)
        there = [each["region"] for each in told["regions"] if each["connected"]]
        story.expect(f"{site.title}: 凭信任列表接通 connected by the lists alone",
                     so=there == [other.code], told=other.title)  # fmt: skip
    return password


def _sign_in(story: Story, browser: Browser, password: str) -> Shown:
    """From 定西's sign-in page to 阿里's, and back with 阿里's word; the page it ends at."""
    page = browser.get(f"{story.dingxi.url}/sign-in?next=/account")
    page = browser.get(page.link(f"/upstream/region-{story.ali.code}"))
    story.expect("登录页在户籍地 the password is asked for at home",
                 so=page.url.startswith(story.ali.url), told=_place(page))  # fmt: skip
    if any(form.action.endswith("/password") for form in page.forms):
        said = {"username": PERSON[2], "password": password}
        page = browser.send(page, "/password", said)
    if any(form.action.endswith("/consent") for form in page.forms):
        story.expect("先征得本人同意 asked before anything is told to the other region", so=True)
        page = browser.send(page, "/consent", {"consent": "yes"})
    return page


def _come(story: Story, browser: Browser, password: str) -> None:
    page = _sign_in(story, browser, password)
    story.expect(f"{PERSON[0]} 在{story.dingxi.title}登录 signed in",
                 so=page.url == f"{story.dingxi.url}/account", told=_place(page))  # fmt: skip
    sessions = browser.sessions()
    hosts = {each.url.removeprefix("http://").partition(":")[0] for each in story.sites[1:]}
    story.expect("各有会话，互不共用 a session at each, none shared",
                 so=set(sessions) == hosts and len(set(sessions.values())) == 2)  # fmt: skip
    story.expect("等级未被提高 the level is what was received, not more",
                 so="等级 2" in page.text and "等级 3" not in page.text)  # fmt: skip


def _leave_here(story: Story, browser: Browser) -> None:
    """Out at 定西: the browser passes by 阿里, and is signed out there as well."""
    page = browser.get(f"{story.dingxi.url}/logout")
    page = browser.send(page, "/oauth2/end_session", {"logout": "yes"})
    page = _follow(browser, page)
    story.expect("退出后回到原处 back where one left",
                 so=page.url.startswith(story.dingxi.url), told=_place(page))  # fmt: skip
    for site in (story.dingxi, story.ali):
        story.expect(f"{site.title}: 已退出 signed out", so=not _is_signed_in(browser, site))


def _leave_there(story: Story, browser: Browser) -> None:
    """Out at 阿里: 定西 is told behind the browser's back."""
    page = browser.get(f"{story.ali.url}/logout")
    browser.send(page, "/oauth2/end_session", {"logout": "yes"})
    began = time.monotonic()
    while _is_signed_in(browser, story.dingxi) and time.monotonic() - began < PATIENCE:
        time.sleep(0.25)
    story.expect(f"在{story.ali.title}退出，{story.dingxi.title}随之退出 logged out there, so here",
                 so=not _is_signed_in(browser, story.dingxi),
                 told=f"{time.monotonic() - began:.1f} s")  # fmt: skip


def _withdraw(story: Story) -> None:
    """No longer recognised: the way in is gone, at once."""
    story.operate(story.dingxi, "region", "policy", story.ali.code, "--type", LOGIN,
                  "--say", "refused")  # fmt: skip
    with Browser() as browser:
        page = browser.get(f"{story.dingxi.url}/sign-in?next=/account")
        gone = not any(each.endswith(f"region-{story.ali.code}") for each in page.links)
    story.expect("停止登录互认，入口消失 no longer recognised: the way in is gone", so=gone)


def _follow(browser: Browser, page: Shown) -> Shown:
    """A page that only passes one on is passed."""
    for _ in range(4):
        onward = [each for each in page.links if "/oauth2/end_session?" in each]
        if not onward:
            break
        page = browser.get(onward[0])
    return page


def _is_signed_in(browser: Browser, site: Site) -> bool:
    return browser.get(f"{site.url}/account").url == f"{site.url}/account"


def _place(page: Shown) -> str:
    return page.url.partition("?")[0].removeprefix("http://")[:60]
