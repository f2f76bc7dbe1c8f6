"""A headless Chromium with a profile of its own."""

from pathlib import Path

from selenium import webdriver

from tests.tools import find_tool

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1280,900",
)  # fmt: skip


def start(profile: Path) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = str(find_tool("chromium"))
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(
        options=options, service=webdriver.ChromeService(str(find_tool("chromedriver")))
    )


def console(chrome: webdriver.Chrome) -> list[str]:
    """What the console was told since it was last asked."""
    lines = chrome.get_log("browser")  # type: ignore[no-untyped-call]
    return [line["message"] for line in lines]
