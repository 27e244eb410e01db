"""The PEM files of the inputs become one context, or a complaint that names the file."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from hokusai_register.access import Tls
from hokusai_register.errors import InputError
from hokusai_register.http.tls import context


def test_certificates_that_are_none_are_an_input_error(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no PEM")
    for tls in (
        Tls(ca_bundle=broken),
        Tls(ca_bundle=tmp_path / "no.pem"),
        Tls(ca_bundle=tmp_path),
        Tls(client_cert=broken),
    ):
        with pytest.raises(InputError, match="certificates"):
            context(tls)


def test_an_unverified_context_says_so() -> None:
    assert context(Tls()).verify_mode is ssl.CERT_REQUIRED
    assert context(Tls(verify=False)).verify_mode is ssl.CERT_NONE
    assert context(Tls()).minimum_version is ssl.TLSVersion.TLSv1_2
