"""What the tests of faults share: a private authority, and servers that it vouches for."""

import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import trustme

from functional.fault_server import FaultServer, faulty
from functional.runner import Runner
from sandboxes import Sandbox


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """A private authority that no machine trusts by itself."""
    return trustme.CA()


@pytest.fixture
def serve(runner: Runner, sandbox: Sandbox, ca: trustme.CA) -> Iterator[Callable[..., FaultServer]]:
    """Put TLS in front of the sandbox, under the name that is given."""
    with ExitStack() as stack:

        def start(name: str = "127.0.0.1", *, old: bool = False) -> FaultServer:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            ca.issue_cert(name).configure_cert(context)
            if old:
                with warnings.catch_warnings(action="ignore"):
                    context.set_ciphers("ALL:@SECLEVEL=0")
                    context.minimum_version = ssl.TLSVersion.TLSv1
                    context.maximum_version = ssl.TLSVersion.TLSv1_1
            server = stack.enter_context(faulty(upstream=sandbox.url, tls=context))
            runner.inputs |= {"tracking-uri": f"{server.url}/api/mlflow", "api-url": server.url}
            return server

        yield start


@pytest.fixture
def bundle(runner: Runner, ca: trustme.CA) -> str:
    """The authority's certificate, as a path for `ca-bundle`."""
    ca.cert_pem.write_to_path(str(runner.workspace / "ca.pem"))
    return "ca.pem"
