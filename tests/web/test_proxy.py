"""Behind a reverse proxy: its word counts if the setting names it, and nobody else's does."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from web_room import OURS, Room, close

from asyncinweb.app import create_app
from asyncinweb.configuration import read_settings
from asyncinweb.errors import SettingError
from asyncinweb.settings import Settings

PROXY = "10.0.0.1"
FORWARDED = {
    "X-Forwarded-For": "203.0.113.9, 192.0.2.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "jobs.example",
}
# Each of them would get past a check, or leave a false trace, if it had a say.
LIES = {
    **FORWARDED,
    "X-Real-IP": "192.0.2.7",
    "X-Forwarded-Port": "444",
    "X-Forwarded-Prefix": "//evil",
    "Forwarded": "for=192.0.2.7;host=evil",
}


@pytest.fixture
def serve(settings: Settings, app: Flask) -> Iterator[Callable[..., FlaskClient]]:
    """A server with this proxy in front, asked by whoever has this address."""
    apps: list[Flask] = []

    def serve(trusted_proxy: str, address: str) -> FlaskClient:
        changes = {"trusted_proxy": trusted_proxy, "allowed_hosts": ("jobs.example",)}
        apps.append(create_app(settings.model_copy(update=changes)))
        apps[-1].add_url_rule("/seen", "seen", seen)
        client = apps[-1].test_client()
        client.environ_base["REMOTE_ADDR"] = address
        return client

    yield serve
    for each in apps:
        close(each)


def seen() -> Any:
    told = [name for name in request.headers.keys() if name.lower() in {each.lower() for each in LIES}]  # noqa: SIM118
    return jsonify(
        address=request.remote_addr, scheme=request.scheme, host=request.host, root=request.root_path, told=told
    )


@pytest.mark.parametrize("address", [PROXY, f"::ffff:{PROXY}"])
def test_the_trusted_proxy_says_who_asks_and_under_which_name(
    serve: Callable[..., FlaskClient], address: str
) -> None:
    shown = serve(PROXY, address).get("/seen", headers=FORWARDED).json

    assert shown | {"told": []} == {
        "address": "192.0.2.7",
        "scheme": "https",
        "host": "jobs.example",
        "root": "",
        "told": [],
    }


@pytest.mark.parametrize(("trusted", "address"), [("", PROXY), (PROXY, "10.0.0.2"), ("", "127.0.0.1")])
def test_nobody_else_has_a_say(serve: Callable[..., FlaskClient], trusted: str, address: str) -> None:
    shown = serve(trusted, address).get("/seen", headers=LIES).json

    assert shown == {"address": address, "scheme": "http", "host": "localhost", "root": "", "told": []}


def test_behind_the_proxy_the_cookie_is_for_https_only(
    serve: Callable[..., FlaskClient],
) -> None:
    client = serve(PROXY, PROXY)

    assert "Secure" in client.get("/", headers=FORWARDED).headers["Set-Cookie"]
    assert "Secure" not in serve(PROXY, "10.0.0.2").get("/", headers=FORWARDED).headers["Set-Cookie"]


def test_a_form_behind_the_proxy_comes_from_the_name_that_visitors_know(
    serve: Callable[..., FlaskClient], room: Room
) -> None:
    client = serve(PROXY, PROXY)

    ours = client.post("/tasks/picture", headers={**FORWARDED, "Origin": "https://jobs.example"})
    foreign = client.post("/tasks/picture", headers={**FORWARDED, "Origin": "http://localhost"})

    assert (ours.status_code, foreign.status_code) == (303, 403)
    assert len(room.jobs()) == 1


def test_a_name_that_the_proxy_passes_on_must_be_allowed(serve: Callable[..., FlaskClient]) -> None:
    client = serve(PROXY, PROXY)

    assert client.get("/", headers={**FORWARDED, "X-Forwarded-Host": "evil.example", **OURS}).status_code == 400


def test_only_an_address_can_be_trusted() -> None:
    assert read_settings({"trusted_proxy": " ::1 "}).settings.trusted_proxy == "::1"
    with pytest.raises(SettingError, match="IP address of one reverse proxy"):
        read_settings({"trusted_proxy": "proxy.example"})
