"""A licence's life through the pages, in two real browsers side by side: one at the desks, one the
holder's phone. Decided, asked for and looked at by keyboard alone; both consoles stay empty."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests import holding
from tests.journeys.world import FOOD, FOOD_TYPE, World
from tests.regions import MARKET, example
from tests.server.desk import Desk
from tests.server.test_browser import WAIT, console, start, text
from tests.server.test_desk_browser import NOT_THERE, TWICE, enter, narrow, sign_in, tab_to
from tests.server.test_desk_cases import typed

ME, NUMBER, NAME = "wallet.journey", "110101199003070214", "次仁央宗"
WRONG, RIGHT = "噶尔县狮泉河镇滨河北路6号1层", "噶尔县狮泉河镇滨河北路8号1层"
HOLDER = {"CZZT": NAME, "CZZTDM": NUMBER, "CZZTDMLXDM": "111"}
PHONE = 390


@dataclass
class Hand:
    """Somebody at a browser."""

    browser: webdriver.Chrome
    desk: Desk
    address: str
    width: int

    def be(self, name: str, path: str) -> None:
        """Sign in as somebody, and open a page."""
        self.browser.delete_all_cookies()
        sign_in(self.browser, self.desk, name)
        self.open(path)

    def open(self, path: str) -> None:
        self.browser.get(self.address + path)
        self.look()

    def look(self) -> None:
        """Nothing wider than the window, every field with a name, one heading of the first rank."""
        found = self.browser.execute_script("return document.documentElement.scrollWidth")
        assert found <= self.width, self.path
        assert self.browser.execute_script(NOT_THERE) == [], self.path
        assert self.browser.execute_script(TWICE) == [], self.path
        assert len(self.browser.find_elements(By.TAG_NAME, "h1")) == 1, self.path

    @property
    def path(self) -> str:
        return self.browser.current_url.removeprefix(self.address).partition("?")[0]

    @property
    def text(self) -> str:
        return text(self.browser)

    def fill(self, values: Mapping[str, str]) -> None:
        """The fields of the page's form, those that are folded away among them."""
        for folded in self.browser.find_elements(By.CSS_SELECTOR, "main details:not([open])"):
            folded.find_element(By.TAG_NAME, "summary").click()
        for name, value in values.items():
            field = self.browser.find_element(By.NAME, name)
            if field.tag_name == "select":
                Select(field).select_by_value(value)
            else:
                field.clear()
                field.send_keys(value)

    def press(self, selector: str) -> None:
        """A button, and wait until another page is there."""
        before = self.browser.find_element(By.TAG_NAME, "html")
        self.browser.find_element(By.CSS_SELECTOR, selector).click()
        WebDriverWait(self.browser, WAIT).until(lambda _: gone(before))
        self.look()

    def wait_for(self, words: str) -> None:
        waiting = WebDriverWait(
            self.browser, WAIT, ignored_exceptions=[StaleElementReferenceException]
        )
        waiting.until(lambda _: words in self.text)


def gone(element: webdriver.remote.webelement.WebElement) -> bool:
    """Whether the page that an element was on has been left."""
    try:
        return not element.is_enabled()
    except StaleElementReferenceException:
        return True


@pytest.fixture(scope="module")
def browsers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[webdriver.Chrome, webdriver.Chrome]]:
    opened = start(tmp_path_factory.mktemp("desks")), start(tmp_path_factory.mktemp("phone"))
    yield opened
    for each in opened:
        each.quit()


@pytest.fixture
def hands(
    browsers: tuple[webdriver.Chrome, webdriver.Chrome], world: World, address: str
) -> Iterator[tuple[Hand, Hand]]:
    """Whoever sits at a desk, and the holder with a phone."""
    holding.citizen(world.region, ME, NUMBER, NAME)
    desks, phone = (
        Hand(browser, world.desk, address, width)
        for browser, width in zip(browsers, (1000, PHONE), strict=True)
    )
    for hand in (desks, phone):
        narrow(hand.browser, hand.width)
        hand.browser.get(f"{address}/verify")
        console(hand.browser)
    yield desks, phone
    for hand in (desks, phone):
        assert console(hand.browser) == []


def entered(desks: Hand, **said: str) -> str:
    """The clerk types an application in; where it is from then on."""
    desks.be("market.clerk", "/desk/new-case")
    desks.press(f"a[href$='/{MARKET.code}/{FOOD_TYPE}']")
    content = {name: value for name, value in example(FOOD).items() if name != "CZZTDMLX"}
    desks.fill(typed(content | HOLDER) | said)
    desks.press("form[action*='/new-case/'] button[type=submit]")
    assert "已录入" in desks.text
    return desks.path


def decided(desks: Hand, where: str) -> str:
    """Checked, reviewed, approved and issued, without a mouse; where the licence is."""
    for who, act in (("second", "check"), ("checker", "review")):
        desks.be(f"market.{who}", where)
        tab_to(desks.browser, f"/act/{act}")
        enter(desks.browser, f"/act/{act}")
        tab_to(desks.browser, "note")
        enter(desks.browser, f"?done={act}", "材料齐全")
    desks.be("market.approver", where)
    for words, done in (("批准", "approve"), ("签发证照", "issue")):
        tab_to(desks.browser, words)
        enter(desks.browser, f"?done={done}")
    desks.look()
    links = desks.browser.find_elements(By.CSS_SELECTOR, "main dl a[href*='/desk/licences/']")
    return (links[-1].get_attribute("href") or "").removeprefix(desks.address)


def shown(desks: Hand, phone: Hand, licence: str) -> None:
    """By 亮证 to an office, which sees nothing before the holder has confirmed."""
    phone.be(ME, "/wallet")
    phone.press(f"a[href$='{licence}']")
    phone.press("a[href$='/show']")
    code = phone.browser.find_element(By.CSS_SELECTOR, ".typed").text
    desks.be("wallet.office", "/desk/showing")
    assert desks.browser.switch_to.active_element.get_attribute("name") == "code"
    desks.browser.switch_to.active_element.send_keys(code, Keys.TAB)
    asking = desks.browser.find_element(By.TAG_NAME, "html")
    desks.browser.switch_to.active_element.send_keys("办理食品经营许可", Keys.ENTER)
    WebDriverWait(desks.browser, WAIT).until(lambda _: gone(asking))
    desks.look()
    for secret in (NAME, NUMBER, licence):
        assert secret not in desks.browser.page_source
    assert not desks.browser.find_elements(By.CSS_SELECTOR, "form[action$='/licence']")
    phone.wait_for("请求查看")
    assert "办理食品经营许可" in phone.text
    tab_to(phone.browser, "确认")
    enter(phone.browser, "?done=confirmed")
    phone.look()
    desks.wait_for("对方已确认")
    desks.press("form[action$='/licence'] button")
    for told in (NAME, NUMBER, licence, "现行有效", WRONG):
        assert told in desks.text
    phone.open(f"/wallet/licences/{licence}/looks")
    assert "办理食品经营许可" in phone.text


def disputed(desks: Hand, phone: Hand, licence: str) -> None:
    """The holder complains on the phone; the issuer's clerk accepts; the holder reads it."""
    phone.open(f"/wallet/licences/{licence}/disputes")
    phone.fill({"words": f"经营场所有误，应为{RIGHT}"})
    phone.press("form[action$='/disputes'] button")
    desks.be("market.clerk", "/desk/disputes")
    assert RIGHT in desks.text
    one = f"//section[contains(., '{licence}')]"
    desks.browser.find_element(By.XPATH, f"{one}//textarea").send_keys("属实，予以换发")
    before = desks.browser.find_element(By.TAG_NAME, "html")
    desks.browser.find_element(By.XPATH, f"{one}//button[@value='accepted']").click()
    WebDriverWait(desks.browser, WAIT).until(lambda _: gone(before))
    phone.open(f"/wallet/licences/{licence}/disputes")
    assert "属实，予以换发" in phone.text


def put_right(desks: Hand, phone: Hand, licence: str) -> str:
    """A licence is issued that follows the wrong one; the complaint is closed by it."""
    where = entered(desks, kind="reissue", previous=licence, KZ_JYCS=RIGHT)
    following = decided(desks, where).rpartition("/")[2]
    desks.be("market.clerk", "/desk/disputes")
    one = f"//section[contains(., '{licence}')]"
    desks.browser.find_element(By.XPATH, f"{one}//input[@name='licence']").send_keys(
        following, Keys.ENTER
    )
    desks.wait_for("已办结")
    phone.open(f"/wallet/licences/{licence}/disputes")
    assert following in phone.text
    phone.open("/wallet")
    cards = phone.browser.find_elements(By.CSS_SELECTOR, ".licence-card")
    assert {each.get_attribute("href") for each in cards} >= {
        f"{phone.address}/wallet/licences/{following}"
    }
    return following


def test_from_the_clerks_form_to_the_corrected_licence_on_the_holders_phone(
    hands: tuple[Hand, Hand], world: World
) -> None:
    desks, phone = hands
    where = entered(desks, KZ_JYCS=WRONG, case_number="2026-000233")
    licence = decided(desks, where).rpartition("/")[2]
    shown(desks, phone, licence)
    disputed(desks, phone, licence)
    following = put_right(desks, phone, licence)
    phone.press(f"a[href$='{following}']")
    phone.press("a[href*='view=full']")
    assert RIGHT in phone.text
    states = {each["identifier"]: each["state"] for each in world.read(ME, "/v1/wallet/licences")}
    assert (states[licence], states[following]) == ("replaced", "active")


def test_a_refusal_stays_on_its_form_with_what_was_typed(hands: tuple[Hand, Hand]) -> None:
    """The 422 itself is told on the console, by the browser; nothing else is."""
    desks, _ = hands
    desks.be("market.clerk", f"/desk/new-case/{MARKET.code}/{FOOD_TYPE}")
    content = {name: value for name, value in example(FOOD).items() if name != "CZZTDMLX"}
    desks.fill(typed(content | HOLDER | {"CZZTDM": "110101199003070215"}))
    desks.press("form[action*='/new-case/'] button[type=submit]")
    alert = desks.browser.find_element(By.CSS_SELECTOR, "[role=alert]")
    assert "代码" in alert.text
    assert desks.browser.find_element(By.NAME, "CZZT").get_attribute("value") == NAME
    lines = console(desks.browser)
    assert len(lines) == 1
    assert "422" in lines[0]
