"""The page that opens a project: who may, what it asks of a browser, and where the session token goes."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from accounts import House, house

from jupyter_datasphere.errors import ServiceError
from jupyter_datasphere.server.opening import origin_of

PAGE = "datasphere/open"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("open")) as place:
        yield place


def at(place: House, account: str) -> httpx.Client:
    """A browser with no cookie yet."""
    return httpx.Client(base_url=place.server(account)["url"], headers=BROWSER, timeout=60, trust_env=False)


@pytest.fixture
def browser(place: House) -> Iterator[httpx.Client]:
    """A browser that is logged in by a cookie."""
    with at(place, "admin") as browser:
        log_in(browser, place, "admin")
        yield browser


def log_in(browser: httpx.Client, place: House, account: str) -> None:
    browser.get("tree", params={"token": place.server(account)["token"]})
    assert browser.cookies


def field(text: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', text)
    assert found is not None, text
    return html.unescape(found[1])


def policy(answer: httpx.Response) -> dict[str, str]:
    (text,) = answer.headers.get_list("content-security-policy")
    return {name: value for name, _, value in (part.partition(" ") for part in text.split("; "))}


def opened(place: House) -> int:
    return place.calls("project.open")


def test_looking_at_it_opens_nothing_and_the_button_does(browser: httpx.Client, place: House) -> None:
    before = opened(place)
    project = place.facts["project_id"]
    asks = browser.get(PAGE, params={"project": "demo-project"})
    assert (asks.status_code, asks.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<b><bdi>demo-project</bdi></b>" in asks.text and field(asks.text, "project") == project
    assert opened(place) == before
    form = {name: field(asks.text, name) for name in ("project", "_xsrf")}
    headers = {"Origin": place.server("admin")["url"].rstrip("/")}
    sends = browser.post(PAGE, data=form, headers=headers)
    assert sends.status_code == 200, sends.text
    assert opened(place) == before + 1
    action = re.search(r'action="([^"]*)"', sends.text)
    assert action is not None and action[1] == f"{place.facts['url']}/ide/{project}"
    token = field(sends.text, "sessionToken")
    with httpx.Client(trust_env=False) as elsewhere:
        assert elsewhere.post(action[1], data={"sessionToken": token}).status_code == 200
        assert elsewhere.post(action[1], data={"sessionToken": "wrong"}).status_code == 403
    assert token not in place.log("admin")


def test_what_a_browser_may_do_with_the_pages(browser: httpx.Client, place: House) -> None:
    asks = browser.get(PAGE)  # of the project in force
    form = {name: field(asks.text, name) for name in ("project", "_xsrf")}
    sends = browser.post(PAGE, data=form)
    trouble = browser.get(PAGE, params={"project": "no-such"})
    service = urlsplit(place.facts["url"])
    for answer, action in ((asks, "'self'"), (sends, f"http://{service.netloc}"), (trouble, "'none'")):
        allowed = policy(answer)
        assert allowed["default-src"] == allowed["base-uri"] == allowed["frame-ancestors"] == "'none'"
        assert allowed["form-action"] == action
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
    assert sends.headers["referrer-policy"] == "no-referrer"
    script = policy(sends)["script-src"].removeprefix("'nonce-").removesuffix("'")
    assert len(script) > 20 and f'<script nonce="{script}">' in sends.text
    assert script != policy(browser.post(PAGE, data=form))["script-src"][7:-1]
    for answer in (asks, trouble):
        assert policy(answer)["script-src"] == "'none'" and "<script" not in answer.text


def test_another_page_cannot_have_it_opened(browser: httpx.Client, place: House) -> None:
    before = opened(place)
    form = {"project": place.facts["project_id"]}
    assert browser.post(PAGE, data=form).status_code == 403
    good = field(browser.get(PAGE).text, "_xsrf")
    assert browser.post(PAGE, data={**form, "_xsrf": f"{good}x"}).status_code == 403
    for origin in ("http://evil.example", "null"):
        answer = browser.post(PAGE, data={**form, "_xsrf": good}, headers={"Origin": origin})
        assert answer.status_code in (403, 404)
    assert browser.post(PAGE, data={**form, "ticket": "wrong"}).status_code == 403
    assert browser.post(f"{PAGE}/browser", json={}).status_code == 403
    assert opened(place) == before


def test_the_capability_of_a_kernel_opens_nothing_here(place: House) -> None:
    """Else code in a notebook would read the session token."""
    before = opened(place)
    (file,) = place.server("admin")["runtime"].glob("datasphere-*.json")
    capability = re.search(r'"capability":"([^"]+)"', file.read_text())
    assert capability is not None
    headers = {"Authorization": f"Bearer {capability[1]}"}
    with at(place, "admin") as kernel:
        assert kernel.get("datasphere/status", headers=headers).status_code == 200
        assert kernel.get(PAGE, headers={**headers, "Accept": "*/*"}).status_code == 403
        for form in ({"project": place.facts["project_id"]}, {"ticket": capability[1]}, {"ticket": ""}):
            answer = kernel.post(PAGE, data=form, headers=headers)
            assert answer.status_code == 403 and "sessionToken" not in answer.text
    assert opened(place) == before


def test_who_is_not_logged_in_is_sent_to_the_login_and_back(place: House) -> None:
    with at(place, "admin") as browser:
        answer = browser.get(PAGE, params={"project": "demo-project"})
        assert answer.status_code == 302
        assert answer.headers["location"].startswith(
            "/login?next=%2Fdatasphere%2Fopen%3Fproject%3Ddemo-project"
        )
        assert browser.post(PAGE, data={"project": "demo-project"}).status_code == 403
        program = browser.get(PAGE, headers={"Accept": "application/json"})
        assert (program.status_code, program.headers["content-type"]) == (403, "application/problem+json")


def test_trouble_is_a_page_with_the_remedy(browser: httpx.Client, place: House) -> None:
    unknown = browser.get(PAGE, params={"project": "<img src=x onerror=alert(1)>"})
    assert unknown.status_code == 404
    assert "<img" not in unknown.text and "&lt;img src=x" in unknown.text
    with at(place, "viewer") as viewer:
        log_in(viewer, place, "viewer")
        asks = viewer.get(PAGE)
        form = {name: field(asks.text, name) for name in ("project", "_xsrf")}
        refused = viewer.post(PAGE, data=form)
        assert refused.status_code == 403
        assert "The role datasphere.community-projects.developer in the project" in refused.text
        assert "Request ID: " in refused.text and "sessionToken" not in refused.text


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://abc.datasphere.yandexcloud.net/x?y=1", "https://abc.datasphere.yandexcloud.net"),
        ("https://ABC.net:8443/", "https://abc.net:8443"),
        ("http://127.0.0.1:8000/ide/x", "http://127.0.0.1:8000"),
        ("http://localhost/", "http://localhost"),
        ("http://[::1]:80/", "http://[::1]:80"),
    ],
)
def test_where_a_session_token_may_be_sent(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://abc.net/",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//abc.net/",
        "https://user:secret@abc.net/",
        "https://abc.net; script-src 'unsafe-inline'/",
        "https://abc.net'/",
        "https:///x",
        "https://[::1/",
        "https://abc.net\n.evil.example/",
        "https://а.net/",  # noqa: RUF001 - Cyrillic
        "ftp://abc.net/",
        "file:///etc/passwd",
    ],
)
def test_where_it_may_not(url: str) -> None:
    with pytest.raises(ServiceError) as caught:
        origin_of(url)
    assert caught.value.code == "bad-answer"
