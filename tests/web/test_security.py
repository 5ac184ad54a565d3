"""Headers on every answer, refusing other sites and foreign names, and text that never becomes markup."""

from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from web_room import HTMX, OURS, OWNER, TOKEN, Room, close, one, page, soup, words

from asyncinweb.app import create_app
from asyncinweb.queue.stores.sqlite import Patience
from asyncinweb.queue.transitions import cancel, fail
from asyncinweb.settings import Settings
from asyncinweb.tasks.outcome import Failed
from asyncinweb.web.security import POLICY, allowed_names

HOSTILE = """{{ 7*7 }}<script>alert(1)</script><img src=x onerror=alert(1)> " ' onload=x </pre></textarea>"""


def every_address(app: Flask, slug: str) -> list[tuple[str, str]]:
    """Each rule of the URL map with each of its methods."""
    values: dict[str, Any] = {"name": "picture", "slug": slug, "filename": "app.css", "part": 1}
    with app.test_request_context():
        return [
            (method, app.url_for(rule.endpoint, **{name: values[name] for name in rule.arguments}))
            for rule in app.url_map.iter_rules()
            for method in sorted(rule.methods or ())
        ]


# --- headers ----------------------------------------------------------------------------------------------------


def test_every_answer_has_the_headers(app: Flask, client: FlaskClient, room: Room) -> None:
    slug = room.complete().slug
    addresses = [*every_address(app, slug), ("GET", "/nothing"), ("POST", "/"), ("GET", "/jobs/")]

    for method, address in addresses:
        for headers in (OURS, {}, {**OURS, **HTMX}, {"Host": "evil.example"}):
            response = client.open(address, method=method, headers=headers)
            where = f"{method} {address} {headers} -> {response.status}"
            assert response.headers["X-Content-Type-Options"] == "nosniff", where
            assert "default-src 'none'" in response.headers["Content-Security-Policy"], where
            assert response.headers["Referrer-Policy"] == "same-origin", where
            assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin", where
            assert "Cache-Control" in response.headers, where
            assert "Server" not in response.headers, where
            assert response.status_code < 500, where


def test_the_policy_of_pages_is_the_strict_one(client: FlaskClient) -> None:
    assert client.get("/").headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def test_every_refusal_has_the_strict_policy(
    settings: Settings, app: Flask, client: FlaskClient, room: Room
) -> None:
    app.add_url_rule("/broken", "broken", lambda: str(1 / 0))
    strict = create_app(settings.model_copy(update={"max_queued_per_owner": 1}))
    crowded = strict.test_client()
    crowded.set_cookie("asyncinweb_visitor", TOKEN)
    crowded.post("/tasks/picture", headers=OURS)
    refusals = {
        400: client.get("/jobs?state=x"),
        403: client.post("/tasks/picture"),
        404: client.get("/nothing"),
        405: client.open("/jobs", method="BREW", headers=OURS),
        413: client.post("/tasks/picture", data={"width": "1" * 9_000_000}, headers=OURS),
        415: client.post("/api/v1/jobs", headers=OURS),
        422: client.post("/tasks/picture", data={"width": "1"}, headers=OURS),
        429: crowded.post("/tasks/picture", headers=OURS),
        500: client.get("/broken"),
    }
    room.database.patience = Patience(lock_seconds=0.05, busy_seconds=0.05)
    with room.database.write():
        refusals[503] = client.post("/tasks/picture", headers=OURS)
    close(strict)

    for code, response in refusals.items():
        assert response.status_code == code
        assert response.headers["Content-Security-Policy"] == POLICY, code
        assert response.headers["X-Content-Type-Options"] == "nosniff", code
        assert response.headers["Referrer-Policy"] == "same-origin", code
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin", code
        assert "Server" not in response.headers, code


def test_reading_changes_nothing(app: Flask, client: FlaskClient, room: Room) -> None:
    room.complete()
    slug = room.submit().slug
    before = room.content()

    for method, address in every_address(app, slug):
        if method in ("GET", "HEAD", "OPTIONS"):
            client.open(address, method=method)
            client.open(address, method=method, headers=HTMX)

    assert room.content() == before


def test_static_files_are_kept_for_ever_under_their_fingerprint_only(client: FlaskClient) -> None:
    whole = page(client, "/")
    addresses = [str(each.get("href") or each.get("src")) for each in whole.select("link[href], script[src]")]
    assert len(addresses) == 4

    for address in addresses:
        assert client.get(address).headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "immutable" not in client.get(address.partition("?")[0]).headers["Cache-Control"]
        assert "immutable" not in client.get(f"{address.partition('?')[0]}?v=00000000").headers["Cache-Control"]


@pytest.mark.parametrize("name", ["nothing.css", "..%2f..%2fasyncinweb%2fapp.py", "../../asyncinweb/app.py"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_no_file_outside_the_static_folder_is_ever_opened(
    client: FlaskClient, name: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.name) or read_bytes(path))

    response = client.open(f"/static/asyncinweb/{name}?v=00000000", method=method)

    assert response.status_code < 500
    assert method == "OPTIONS" or response.status_code == 404
    assert not {"nothing.css", "app.py"} & set(opened)


# --- the visitor ------------------------------------------------------------------------------------------------


def test_the_first_page_gives_a_visitor_a_random_cookie(app: Flask) -> None:
    cookie = app.test_client().get("/").headers["Set-Cookie"]

    name, _, value = cookie.partition(";")[0].partition("=")
    assert (name, len(value)) == ("asyncinweb_visitor", 22)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age=31536000" in cookie


def test_a_known_visitor_keeps_the_cookie_and_its_jobs(app: Flask, room: Room) -> None:
    client = app.test_client()
    client.get("/")
    assert "Set-Cookie" not in client.get("/").headers

    client.post("/tasks/picture", headers=OURS)

    assert len(page(client, "/").select("#last-jobs li")) == 1
    assert not page(app.test_client(), "/").select("#last-jobs li")


@pytest.mark.parametrize("value", ["", "short", "A" * 21 + "!", "A" * 500])
def test_a_cookie_that_is_not_ours_is_replaced(app: Flask, value: str) -> None:
    client = app.test_client()
    client.set_cookie("asyncinweb_visitor", value)

    assert "asyncinweb_visitor=" in client.get("/").headers["Set-Cookie"]


# --- other sites ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "http://LOCALHOST"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "http://127.0.0.1:8000", "Host": "127.0.0.1:8000"},
    ],
)
def test_our_own_forms_may_change_something(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post("/tasks/picture", headers=headers).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "localhost"},
        {"Referer": "http://localhost/"},
    ],
)
def test_other_sites_may_not_change_anything(app: Flask, room: Room, headers: dict[str, str]) -> None:
    slug = room.submit().slug
    before = room.content()

    for path in ("/tasks/picture", f"/jobs/{slug}/cancel", f"/jobs/{slug}/rerun", "/hello", "/theme"):
        response = app.test_client().post(path, headers=headers)
        assert response.status_code == 403, path
        assert "nothing was changed" in words(one(soup(response), "main"))

    assert room.content() == before


@pytest.mark.parametrize("settings", [{"allowed_hosts": ["jobs.example"]}], indirect=True)
@pytest.mark.parametrize(("host", "is_hinted"), [("localhost", True), ("jobs.example", False)])
def test_only_the_operator_reads_what_a_proxy_may_lack(app: Flask, host: str, is_hinted: bool) -> None:
    headers = {"Host": host, "Origin": "http://elsewhere.example"}
    response = app.test_client().post("/tasks/picture", headers=headers)
    told = words(one(soup(response), "main"))

    assert "Request blocked It didn't come from this site, so nothing was changed." in told
    assert ("proxy" in told) == is_hinted


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
def test_the_rule_holds_for_everything_that_can_change_something(
    app: Flask, client: FlaskClient, room: Room, headers: dict[str, str], is_ours: bool
) -> None:
    slug = room.complete().slug
    before = room.content()
    unsafe = [
        (method, address)
        for method, address in every_address(app, slug)
        if method not in ("GET", "HEAD", "OPTIONS") and address != "/query"
    ]
    assert len(unsafe) >= 8

    for method, address in unsafe:
        for sent in ({}, {"json": {}}):
            response = client.open(address, method=method, headers=headers, **sent)
            assert (response.status_code != 403) == is_ours, f"{method} {address} {headers} -> {response.status}"

    assert is_ours or room.content() == before


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_query_only_reads_so_any_program_may_ask(client: FlaskClient, room: Room, headers: dict[str, str]) -> None:
    assert client.post("/query", data={"id": room.submit().slug}, headers=headers).status_code == 200


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST", "localhost.", "127.0.0.1:80", "[::1]", "[::1]:8000"]
)
def test_the_server_answers_to_its_own_names(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "localhost:80:80",
        "localhost/",
        "[::2]",
        "",
        " localhost",
        "127.0.0.2",
    ],
)
def test_any_other_name_is_a_400_before_any_view(client: FlaskClient, room: Room, host: str) -> None:
    for response in (
        client.get("/", headers={"Host": host}),
        client.get("/nothing", headers={"Host": host}),
        client.post("/query", headers={"Host": host}),
        client.post("/tasks/picture", headers={"Host": host, **OURS}),
        client.get("/static/asyncinweb/app.css", headers={"Host": host}),
    ):
        assert response.status_code == 400
    assert room.jobs() == []


def test_the_names_are_those_of_the_settings() -> None:
    settings = Settings(host="192.168.1.5", allowed_hosts=("Jobs.Example.org", "fd00::1"))

    assert allowed_names(settings) == {
        "localhost",
        "127.0.0.1",
        "[::1]",
        "192.168.1.5",
        "jobs.example.org",
        "[fd00::1]",
    }


def test_a_wildcard_address_is_no_name() -> None:
    assert "0.0.0.0" not in allowed_names(Settings(host="0.0.0.0"))


def test_a_jobs_address_carries_128_random_bits(room: Room) -> None:
    slugs = [room.submit().slug for _ in range(20)]

    assert len(set(slugs)) == 20
    assert {len(urlsafe_b64decode(slug + "==")) for slug in slugs} == {16}


# --- hostile text -----------------------------------------------------------------------------------------------


def assert_harmless(html: str) -> None:
    root = BeautifulSoup(html, "html.parser")
    assert all(script.has_attr("src") and not script.get_text() for script in root.select("script"))
    assert not root.select("img[src=x]")
    for element in root.find_all(True):
        assert not [name for name in element.attrs if name.startswith(("on", "hx-on"))], element
    assert "{{ 7*7 }}" in root.get_text() + str([element.attrs for element in root.find_all(True)])


def test_arguments_never_become_markup(client: FlaskClient, room: Room) -> None:
    arguments = (
        client.application.extensions["asyncinweb"]
        .registry["everything"]
        .inputs.to_json({"name": HOSTILE, "count": 1, "note": HOSTILE, "words": [HOSTILE]})
    )
    slug = room.submit("everything", arguments).slug

    for path in (f"/jobs/{slug}", "/jobs", "/", f"/tasks/everything?from={slug}"):
        assert_harmless(client.get(path).text)


def test_errors_and_tracebacks_never_become_markup(client: FlaskClient, room: Room) -> None:
    room.add_worker()
    failed = room.start()
    room.perform(fail, failed, Failed("error", HOSTILE, HOSTILE))
    retrying = room.start("everything", max_attempts=3)
    room.perform(fail, retrying, Failed("error", HOSTILE, HOSTILE, 60.0))

    for slug in (failed.slug, retrying.slug):
        assert_harmless(client.get(f"/jobs/{slug}").text)


def test_progress_and_log_never_become_markup(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.report(held, 1, 2, HOSTILE)
    room.write_log(held).write(HOSTILE.encode())

    assert_harmless(client.get(f"/jobs/{held.slug}").text)
    assert_harmless(client.get(f"/jobs/{held.slug}/status?v=x", headers=HTMX).text)
    assert_harmless(client.get(f"/jobs/{held.slug}/log?after=0&claim=1", headers=HTMX).text)


@pytest.mark.parametrize("value", [HOSTILE, {HOSTILE: [HOSTILE]}, [{HOSTILE: HOSTILE}]])
def test_results_never_become_markup(client: FlaskClient, room: Room, value: object) -> None:
    assert_harmless(client.get(f"/jobs/{room.complete(value).slug}").text)


def test_a_hostile_visit_stays_text(client: FlaskClient, room: Room) -> None:
    assert_harmless(client.get(f"/hello/{room.complete(HOSTILE, 'hello').slug}").text)


def test_what_was_typed_wrong_comes_back_as_text(client: FlaskClient) -> None:
    response = client.post("/tasks/picture", data={"width": HOSTILE, HOSTILE: "x"}, headers=OURS)

    assert response.status_code == 422
    assert_harmless(response.text)


def test_an_address_that_is_not_there_is_not_repeated_as_markup(client: FlaskClient) -> None:
    assert "<script>alert" not in client.get("/tasks/<script>alert(1)<%2Fscript>").text
    assert "<script>alert" not in client.get("/jobs?state=<script>alert(1)</script>").text


def test_the_key_of_a_job_never_leaves_the_server(client: FlaskClient, room: Room) -> None:
    for _ in range(3):
        job = room.submit(run_at=datetime.now(UTC) + timedelta(days=1))
    room.perform(cancel, job.slug)
    part = one(page(client, f"/jobs/{job.slug}"), "#job")

    assert f'"{job.id}"' not in str(part)
    assert OWNER not in str(page(client, "/jobs"))


# --- whose jobs a list shows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("setting", "is_listed"), [("all", True), ("own", False)])
def test_jobs_of_others_are_listed_only_where_the_setting_says_so(
    settings: Settings, app: Flask, room: Room, setting: str, is_listed: bool
) -> None:
    theirs = room.submit(owner="somebody else").slug
    own = room.submit().slug
    server = create_app(settings.model_copy(update={"listed_jobs": setting}))
    client = server.test_client()
    client.set_cookie("asyncinweb_visitor", TOKEN)

    shown = client.get("/jobs").text

    assert own in shown
    assert (theirs in shown) == is_listed
    assert ("Mine" in shown) == is_listed
    assert client.get(f"/jobs/{theirs}").status_code == 200, "an address is meant to be shared"
    close(server)


def test_the_cookie_of_a_visitor_is_not_in_the_database(client: FlaskClient, room: Room) -> None:
    client.post("/tasks/picture", headers=OURS)

    (row,) = room.content()
    assert OWNER in row
    assert TOKEN not in str(row)
