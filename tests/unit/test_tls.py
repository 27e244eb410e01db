"""The PEM files of the inputs become one context, or a complaint that says which and why."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from hokusai_register.access import Tls
from hokusai_register.errors import InputError
from hokusai_register.http.tls import chain, context


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate, its key in three forms, and what is neither."""
    place = tmp_path_factory.mktemp("pem")
    ca = trustme.CA()
    mine, other = ca.issue_cert("me@example.com"), ca.issue_cert("you@example.com")
    ca.cert_pem.write_to_path(str(place / "ca.pem"))
    mine.cert_chain_pems[0].write_to_path(str(place / "mine.crt"))
    mine.private_key_pem.write_to_path(str(place / "mine.key"))
    mine.private_key_and_cert_chain_pem.write_to_path(str(place / "both.pem"))
    other.private_key_pem.write_to_path(str(place / "other.key"))
    key = serialization.load_pem_private_key(mine.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"made-up"),
    )
    (place / "encrypted.key").write_bytes(encrypted)
    (place / "no.pem").write_text("no PEM")
    return place


@pytest.mark.parametrize(
    ("bundle", "said"),
    [("no.pem", "no certificate"), ("missing", "No such file"), (".", "Is a directory")],
)
def test_a_bundle_that_is_none(pem: Path, bundle: str, said: str) -> None:
    with pytest.raises(InputError, match="CA bundle") as caught:
        context(Tls(ca_bundle=pem / bundle))
    assert said in caught.value.why


@pytest.mark.parametrize(("cert", "key"), [("both.pem", ""), ("mine.crt", "mine.key")])
def test_a_client_certificate_has_its_key_with_it_or_beside_it(
    pem: Path, cert: str, key: str
) -> None:
    tls = Tls(pem / "ca.pem", client_cert=pem / cert, client_key=pem / key if key else None)
    assert context(tls).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("cert", "key", "said"),
    [
        ("mine.crt", "encrypted.key", "is encrypted"),
        ("mine.crt", "other.key", "is not the one"),
        ("mine.crt", "", "no private key"),
        ("mine.key", "mine.key", "no certificate"),
        ("no.pem", "mine.key", "no certificate"),
        ("mine.crt", "missing", "No such file"),
    ],
)
def test_a_client_certificate_that_is_none(pem: Path, cert: str, key: str, said: str) -> None:
    tls = Tls(client_cert=pem / cert, client_key=pem / key if key else None)
    with pytest.raises(InputError, match="client certificate") as caught:
        context(tls)
    assert said in caught.value.why


def test_an_unverified_context_says_so() -> None:
    assert context(Tls()).verify_mode is ssl.CERT_REQUIRED
    assert context(Tls(verify=False)).verify_mode is ssl.CERT_NONE
    assert context(Tls()).minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_private_ca_need_not_be_perfect(pem: Path) -> None:
    assert ssl.VERIFY_X509_STRICT not in context(Tls(pem / "ca.pem")).verify_flags


@pytest.mark.parametrize(("own", "count"), [({"notAfter": "Jan  1 00:00:00 3000 GMT"}, 1), ({}, 0)])
def test_a_python_that_shows_no_chain_shows_one_certificate(
    own: dict[str, str], count: int
) -> None:
    class Connection:
        def getpeercert(self) -> dict[str, str]:
            return own

    assert chain(Connection()) == (own,) * count
