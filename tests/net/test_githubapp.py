"""A GitHub App's token is asked for with a signed claim, used as long as it holds, and renewed in time."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from modgate.errors import Unavailable
from modgate.net.githubapp import BEFORE_END, PAUSE, GithubApp, Identity
from modgate.net.secret import Literal

API = "https://api.corp.example"
NAME = "host[1].github_app"
KEY = rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Api:
    """GitHub, as far as it makes tokens; each lasts an hour."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.asked: list[tuple[str, str]] = []
        self.answer: tuple[int, bytes] | Unavailable | None = None

    async def post(self, url: str, authorization: str) -> tuple[int, bytes]:
        self.asked.append((url, authorization))
        await asyncio.sleep(0)
        if isinstance(self.answer, Unavailable):
            raise self.answer
        if self.answer is not None:
            return self.answer
        ends = datetime.fromtimestamp(self.now + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 201, json.dumps({"token": f"ghs_{len(self.asked)}", "expires_at": ends}).encode()


@pytest.fixture
def api() -> Api:
    return Api()


def app(api: Api, key: str = "") -> GithubApp:
    identity = Identity(12, 345, API, NAME)
    return GithubApp(identity, Literal(key or pem(KEY), f"{NAME}.key"), api.post, lambda: api.now)


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def test_the_claim_is_what_github_wants(api: Api) -> None:
    assert await app(api).token() == "ghs_1"
    url, authorization = api.asked[0]
    assert url == f"{API}/app/installations/345/access_tokens"
    head, claims, signature = authorization.removeprefix("Bearer ").split(".")
    assert json.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT"}
    said = json.loads(decoded(claims))
    assert said["iss"] == "12" and said["iat"] == api.now - 60 and 0 < said["exp"] - said["iat"] <= 600
    KEY.public_key().verify(decoded(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256())


async def test_one_token_serves_many_until_it_is_about_to_end(api: Api) -> None:
    made = app(api)
    assert set(await asyncio.gather(*(made.token() for _ in range(5)))) == {"ghs_1"}
    api.now += 3600 - BEFORE_END - 1
    assert await made.token() == "ghs_1"
    api.now += 2
    assert await made.token() == "ghs_2"
    assert len(api.asked) == 2


async def test_a_token_that_cannot_be_renewed_is_used_to_its_end(api: Api) -> None:
    made = app(api)
    await made.token()
    api.answer = Unavailable(reason="could not be reached")
    api.now += 3600 - 10
    assert await made.token() == "ghs_1"
    api.now += 11
    with pytest.raises(Unavailable, match=r"host\[1\]\.github_app gave no token: could not be reached"):
        await made.token()


async def test_a_refused_token_is_replaced_and_a_new_one_is_kept(api: Api) -> None:
    made = app(api)
    await made.token()
    made.forget()
    assert await made.token() == "ghs_1"
    api.now += PAUSE + 1
    made.forget()
    assert await made.token() == "ghs_2"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, b"{}"), f"{API} answered 401: check id, installation and key"),
        ((404, b"{}"), f"{API} answered 404: check id, installation and key"),
        ((500, b"{}"), f"{API} answered 500"),
        ((201, b"no"), f"{API} did not send a token"),
        ((201, b'{"token": "x"}'), f"{API} did not send a token"),
        ((201, b'{"token": "x", "expires_at": "soon"}'), f"{API} did not send a token"),
    ],
)
async def test_an_api_that_refuses_is_told_of_and_not_asked_again_at_once(
    api: Api, answer: tuple[int, bytes], told: str
) -> None:
    made = app(api)
    api.answer = answer
    for _ in range(3):
        with pytest.raises(Unavailable) as caught:
            await made.token()
        assert caught.value.reason == f"the setting {NAME} gave no token: {told}"
    assert len(api.asked) == 1
    api.answer = None
    api.now += PAUSE + 1
    assert await made.token() == "ghs_2"


@pytest.mark.parametrize("key", ["s3cr3t " * 20, pem(ec.generate_private_key(ec.SECP256R1()))])
async def test_a_wrong_key_is_told_of_without_it(api: Api, key: str) -> None:
    with pytest.raises(Unavailable) as caught:
        await app(api, key).token()
    assert "its key is no" in caught.value.reason and key[30:60] not in str(caught.value)
    assert api.asked == []
