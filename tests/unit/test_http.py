"""Below the answers: broken exchanges, waiting as asked, proxies, deadlines, no echo of a key."""

from __future__ import annotations

import email.utils
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaries import leaks, writings
from fakes import KEY, subclasses
from hokusai_register.errors import (
    FileError,
    InputError,
    NotTheServiceError,
    ProxyAuthError,
    Reason,
    RegisterError,
    RejectedError,
    TrustError,
    UnavailableError,
    UnconfirmedError,
    UnreachableError,
)
from hokusai_register.files import Parcel
from hokusai_register.http import Body, Effect, Http, Login, Network
from hokusai_register.http.client import ANSWER_LIMIT, TRIES
from hokusai_register.http.failures import failure
from hokusai_register.http.repeats import LATER, retry_after
from hokusai_register.http.wire import Wall, proxy_for
from hokusai_register.model import File, Secret, sha256_hex

BASE = "https://a.example/api"
NOT_SENT = {
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError),
    *(httpx.UnsupportedProtocol, httpx.LocalProtocolError),
}


def fail(error: httpx.TransportError, effect: Effect, proxy: str = "") -> RegisterError:
    return failure(error, effect, BASE, proxy)


def caused(error: httpx.TransportError, cause: BaseException) -> httpx.TransportError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("kind", subclasses(httpx.TransportError))
def test_only_a_write_that_may_have_arrived_is_in_doubt(
    kind: type[httpx.TransportError], effect: Effect
) -> None:
    error = fail(kind("x"), effect)
    if kind in NOT_SENT:
        assert type(error) is UnreachableError
    elif effect is Effect.READ:
        assert type(error) is UnavailableError
    else:
        assert (type(error), error.reason) == (UnconfirmedError, Reason.OUTCOME_UNKNOWN)
    assert "a.example" in error.what


CAUSES = [
    (httpx.ConnectError("x"), socket.gaierror(-2, "x"), UnreachableError, Reason.DNS),
    (httpx.ConnectError("x"), ConnectionRefusedError(), UnreachableError, Reason.REFUSED),
    (httpx.ConnectError("x"), OSError(101, "x"), UnreachableError, Reason.UNREACHABLE),
    (httpx.ConnectTimeout("x"), TimeoutError(), UnreachableError, Reason.TIMEOUT),
    (httpx.ReadTimeout("x"), TimeoutError(), UnavailableError, Reason.TIMEOUT),
    (httpx.ReadError("x"), ConnectionResetError(), UnavailableError, Reason.UNREACHABLE),
    (httpx.ConnectError("x"), ssl.SSLCertVerificationError("x"), TrustError, Reason.TLS),
    (httpx.ConnectError("x"), ssl.SSLEOFError("x"), TrustError, Reason.TLS),
    (httpx.ReadError("x"), ssl.SSLError("bad record"), TrustError, Reason.TLS),
    (httpx.ReadError("x"), ssl.SSLEOFError("x"), UnavailableError, Reason.UNREACHABLE),
    (httpx.ProxyError("407 Auth"), OSError(), ProxyAuthError, Reason.PROXY_AUTH),
    (httpx.ProxyError("502 Bad"), OSError(), UnreachableError, Reason.UNREACHABLE),
]


@pytest.mark.parametrize(("error", "cause", "kind", "reason"), CAUSES)
def test_the_cause_is_found_behind_the_exception(
    error: httpx.TransportError, cause: Exception, kind: type[RegisterError], reason: Reason
) -> None:
    told = fail(caused(error, cause), Effect.READ)
    assert (type(told), told.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("base", "proxy", "fix"),
    [
        (BASE, "", "the runner's network"),
        (BASE, "proxy.example:3128", "NO_PROXY"),
        ("http://localhost:5000", "", "localhost is the container itself"),
    ],
)
def test_the_way_out_depends_on_what_was_in_the_way(base: str, proxy: str, fix: str) -> None:
    error = failure(httpx.ConnectError("x"), Effect.READ, base, proxy)
    assert fix in error.fix
    assert proxy in error.what


HOUR = 3600.0


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("0", 0),
        ("2", 2),
        (" 120 ", 120),
        ("9" * 400, 999_999_999),
        *((garbage, None) for garbage in ("", "soon", "-5", "1.5", "1e3", "٣", "²", "\x00")),
        ("Mon, 01 Jan 0001 00:00:00 -0000", None),
        ("Mon, 99 Foo 9999 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_a_number_of_seconds(given: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": given}) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(HOUR, pytest.approx(HOUR, abs=5)), (-HOUR, None)])
def test_retry_after_is_a_date(ahead: float, seconds: float | None) -> None:
    date = email.utils.formatdate(time.time() + ahead, usegmt=True)
    assert retry_after({"retry-after": date}) == seconds


@given(st.text() | st.text("0123456789 :,-+GMTJanMo"))
def test_no_retry_after_is_a_bug_of_ours(text: str) -> None:
    found = retry_after({"retry-after": text})
    assert found is None or found >= 0
    assert retry_after({}) is None


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the variables that name proxies; the others are gone."""
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

    def choose(**given: str) -> None:
        for name in names:
            monkeypatch.delenv(name.upper(), raising=False)
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)

    choose()
    return choose


@pytest.mark.parametrize(
    ("environ", "origin", "proxy"),
    [
        ({}, BASE, None),
        ({"HTTPS_PROXY": "http://p:3128"}, BASE, "http://p:3128"),
        ({"https_proxy": "p:3128"}, BASE, "http://p:3128"),
        ({"ALL_PROXY": "https://u:s@p:3128"}, BASE, "https://u:s@p:3128"),
        ({"HTTP_PROXY": "http://p:3128"}, BASE, None),
        ({"HTTP_PROXY": "http://p:3128"}, "http://a.example", "http://p:3128"),
        ({"HTTPS_PROXY": " "}, BASE, None),
        ({"HTTPS_PROXY": ""}, BASE, None),
        *(
            ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": free}, BASE, None)
            for free in ("a.example", ".example", "*", "b.example, a.example")
        ),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "b.example"}, BASE, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example:8443"}, BASE, "http://p:1"),
        (
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example:8443"},
            "https://a.example:8443/x",
            None,
        ),
    ],
)
def test_the_environment_names_the_proxy(
    environ: dict[str, str], origin: str, proxy: str | None, proxies: Callable[..., None]
) -> None:
    proxies(**environ)
    assert proxy_for(origin) == proxy


@pytest.mark.parametrize(
    "proxy",
    [
        *("socks5://p:1080", "socks5h://u:PASSWORD@p:1080", "ftp://p", "http://", "http://:80"),
        *("http://p:port", "http://p:99999", "http://p:0", "http://[", "http://u:PASSWORD@"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_an_input_error(
    proxy: str, proxies: Callable[..., None]
) -> None:
    proxies(HTTPS_PROXY=proxy)
    with pytest.raises(InputError) as caught:
        proxy_for(BASE)
    assert "a.example" in caught.value.why
    assert "PASSWORD" not in str(caught.value)


def test_a_wall_bounds_what_is_inside_and_nothing_after() -> None:
    wall = Wall()
    assert wall.cap(30) == 30
    with wall.within(5):
        assert 4 < wall.cap(None) <= 5
        assert wall.cap(1) == 1
        with wall.within(60):
            assert wall.cap(60) <= 5, "an inner wall does not reach further than the outer one"
        with wall.within(-1):
            assert 0 < wall.cap(60) < 0.01, "0 would mean: do not wait at all"
    assert wall.cap(60) == 60


Reply = Callable[[], httpx.Response]


class Told:
    """An `Http` whose service is a function, and a list of how long it waited."""

    def __init__(self, service: Callable[[httpx.Request], httpx.Response]) -> None:
        self.waited: list[float] = []
        self.asked: list[httpx.Request] = []

        def serve(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            return service(request)

        network = Network(sleep=self.waited.append, jitter=lambda _, most: most)
        network.trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nobody is connected to
        self.http = Http(BASE, network, Login.key(Secret(KEY)))
        self.http._client._transport = httpx.MockTransport(serve)


@pytest.fixture
def told(proxies: Callable[..., None]) -> Iterator[Callable[..., Told]]:
    proxies()
    made: list[Told] = []

    def tell(*answers: Reply | httpx.TransportError) -> Told:
        left = list(answers)

        def serve(_: httpx.Request) -> httpx.Response:
            one = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(one, Exception):
                raise one
            return one()

        made.append(Told(serve))
        return made[-1]

    yield tell
    for one in made:
        one.http.close()


def echo(status: int, text: str, **headers: str) -> Reply:
    def fresh() -> httpx.Response:
        return httpx.Response(
            status, stream=httpx.ByteStream(text.encode(errors="surrogateescape")), headers=headers
        )

    return fresh


def test_the_key_is_in_both_headers_of_every_request(told: Callable[..., Told]) -> None:
    service = told(echo(200, "{}"))
    service.http.request("GET", "/x", Effect.READ, params={"a": "b c"})
    (request,) = service.asked
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-api-key"] == KEY
    assert request.headers["accept-encoding"] == "identity"
    assert str(request.url) == f"{BASE}/x?a=b%20c"
    assert KEY not in str(request.url)


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_a_refusal_that_repeats_the_key_is_redacted(status: int, told: Callable[..., Told]) -> None:
    service = told(echo(status, f'{{"detail": "Bearer {KEY} is not valid"}}'))
    answer = service.http.request("POST", "/x", Effect.ONCE, json={})
    assert answer.message() == "Bearer *** is not valid"
    assert KEY.encode() not in answer.body


@pytest.mark.parametrize("location", ["https://b.example/x", "https://b<c.example", "//[", ""])
def test_a_redirect_is_one_wherever_it_leads_to(location: str, told: Callable[..., Told]) -> None:
    service = told(echo(302, "", Location=location))
    answer = service.http.request("GET", "/x", Effect.READ)
    assert (answer.status, answer.headers["location"]) == (302, location)
    with pytest.raises(TrustError) as caught:
        answer.json_object()
    assert caught.value.reason is Reason.REDIRECT
    assert len(service.asked) == 1


def test_a_refusal_may_repeat_it_in_any_form(told: Callable[..., Told]) -> None:
    said = " ".join(text for _, text in writings(KEY))
    assert leaks(KEY, said.encode())
    service = told(echo(503, f"{said} - \udcff"))
    answer = service.http.request("POST", "/x", Effect.ONCE)
    assert leaks(KEY, answer.body) == []
    assert answer.body.endswith(b"- \xff"), "what is no UTF-8 stays as it is"


def test_a_proxy_that_repeats_its_password_is_redacted(proxies: Callable[..., None]) -> None:
    proxies(HTTPS_PROXY="http://me:pass%20word%2Fof+proxy@proxy.example:3128")
    http = Http(BASE, Network(), Login.key(Secret(KEY)))
    http._client._transport = httpx.MockTransport(
        lambda _: echo(502, "me, with pass word/of+proxy")()
    )
    assert http.request("POST", "/x", Effect.ONCE).body == b"me, with ***"
    http.close()


@pytest.mark.parametrize(
    ("effect", "status", "tries"),
    [
        *((effect, 429, TRIES) for effect in Effect if effect is not Effect.BILLED),
        *((Effect.READ, status, TRIES) for status in sorted(LATER)),
        *((Effect.REPEATABLE, status, TRIES) for status in sorted(LATER)),
        *((Effect.ONCE, status, 1) for status in sorted(LATER - {429})),
        *((Effect.BILLED, status, 1) for status in sorted(LATER)),
        *((effect, status, 1) for effect in Effect for status in (200, 302, 400, 401, 404, 409)),
    ],
)
def test_only_what_is_harmless_is_sent_again(
    effect: Effect, status: int, tries: int, told: Callable[..., Told]
) -> None:
    service = told(echo(status, "{}"))
    assert service.http.request("POST", "/x", effect).status == status
    assert len(service.asked) == tries
    assert service.waited == [1, 2, 4][: tries - 1]


@pytest.mark.parametrize("effect", Effect)
def test_a_server_without_a_connection_to_its_database_is_asked_again(
    effect: Effect, told: Callable[..., Told]
) -> None:
    said = '{"error_code": "BAD_REQUEST", "message": "QueuePool limit of size 5 overflow 10 ..."}'
    harmless = effect in (Effect.READ, Effect.REPEATABLE)
    service = told(echo(400, said))
    assert service.http.request("POST", "/x", effect).meant == 503
    assert len(service.asked) == (TRIES if harmless else 1)


def test_what_mlflow_says_for_good_is_not_asked_again(told: Callable[..., Told]) -> None:
    service = told(echo(500, '{"error_code": "FEATURE_DISABLED"}'))
    assert service.http.request("GET", "/x", Effect.READ).status == 500
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("error", "effect", "tries", "kind"),
    [
        (httpx.ReadTimeout("x"), Effect.READ, TRIES, UnavailableError),
        (httpx.ReadTimeout("x"), Effect.REPEATABLE, TRIES, UnconfirmedError),
        (httpx.ReadTimeout("x"), Effect.ONCE, 1, UnconfirmedError),
        (httpx.ConnectError("x"), Effect.ONCE, TRIES, UnreachableError),
    ],
)
def test_what_broke_is_sent_again_only_where_that_is_harmless(
    error: httpx.TransportError,
    effect: Effect,
    tries: int,
    kind: type[RegisterError],
    told: Callable[..., Told],
) -> None:
    service = told(error)
    with pytest.raises(kind):
        service.http.request("POST", "/x", effect)
    assert len(service.asked) == tries


def test_a_host_that_never_connected_is_not_knocked_at_again(told: Callable[..., Told]) -> None:
    service = told(httpx.ConnectError("x"))
    for _ in range(2):
        with pytest.raises(UnreachableError):
            service.http.request("GET", "/x", Effect.READ)
    assert len(service.asked) == TRIES + 1


@pytest.mark.parametrize(("asked", "waited"), [("2", [2.0]), ("3600", []), ("9" * 99, [])])
def test_it_waits_as_long_as_asked_unless_that_is_too_long(
    asked: str, waited: list[float], told: Callable[..., Told]
) -> None:
    service = told(echo(429, "{}", **{"Retry-After": asked}), echo(200, "{}"))
    assert service.http.request("GET", "/x", Effect.READ).status == (200 if waited else 429)
    assert service.waited == waited


def test_nothing_is_asked_when_the_time_is_used_up(told: Callable[..., Told]) -> None:
    service = told(echo(200, "{}"))
    service.http._network.deadline.at_most(-1)
    with pytest.raises(UnavailableError) as caught:
        service.http.request("GET", "/x", Effect.READ)
    assert caught.value.reason is Reason.TIMEOUT
    assert service.asked == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (echo(200, "x" * (ANSWER_LIMIT + 1)), "larger than 1,048,576 bytes"),
        (echo(200, "x", **{"Content-Encoding": "br"}), "compressed"),
    ],
)
def test_an_answer_that_is_too_much_makes_no_sense(
    answer: Reply, why: str, told: Callable[..., Told]
) -> None:
    with pytest.raises(NotTheServiceError) as caught:
        told(answer).http.request("GET", "/x", Effect.READ)
    assert why in caught.value.why


def test_a_download_is_hashed_and_not_bounded(told: Callable[..., Told]) -> None:
    text = "x" * (ANSWER_LIMIT + 1)
    target = io.BytesIO()
    assert told(echo(200, text)).http.download("/x", target) == (sha256_hex(text), len(text))
    assert target.getvalue() == text.encode()
    with pytest.raises(RejectedError):
        told(echo(400, "{}")).http.download("/x")


def upload(told: Callable[..., Told], sent: bytes, hashed: str) -> list[int]:
    def service(request: httpx.Request) -> httpx.Response:
        assert request.read().decode() == hashed
        return echo(200, "{}")()

    counted: list[int] = []
    one = told(echo(200, "{}"))
    one.http._client._transport = httpx.MockTransport(service)
    file = File("model.pkl", len(hashed), sha256_hex(hashed))
    pieces = Parcel("x", file, lambda: io.BytesIO(sent)).pieces
    one.http.upload("/x", Body(file.size, file.sha256, pieces), counted.append)
    return counted


def test_an_upload_sends_what_was_hashed(told: Callable[..., Told]) -> None:
    assert upload(told, b"weights", "weights") == [7]


@pytest.mark.parametrize("now", [b"weight", b"weights!", b"Weights", b""])
def test_an_upload_stops_when_the_file_is_another(now: bytes, told: Callable[..., Told]) -> None:
    with pytest.raises(FileError, match=r"model\.pkl' changed"):
        upload(told, now, "weights")


def test_what_was_being_handled_at_the_time_is_not_the_cause() -> None:
    broken = httpx.ReadError("reset")
    earlier = UnavailableError("it broke", why="it was old", fix="buy another")
    earlier.__context__ = ConnectionRefusedError()
    broken.__context__, earlier.__cause__ = earlier, broken  # round in a circle
    assert failure(broken, Effect.READ, BASE, "").reason is Reason.UNREACHABLE
