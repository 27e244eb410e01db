"""The command `hokusai-register sandbox`: a Hokusai service on this machine, and its keys."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from hokusai_register.errors import RegisterError
from hokusai_register.sandbox.addresses import Addresses, ready_file
from hokusai_register.sandbox.child import mlflow
from hokusai_register.sandbox.keys import Keys
from hokusai_register.sandbox.limit import EVENTS
from hokusai_register.sandbox.place import Place

DEFAULT_SCOPES: Final = ("registry:admin", "model:write")

_DIRECTORY = ".hokusai-sandbox"
# Flask tells the full MLflow, which has the server, from the slim one that we depend on.
_EXTRA = ("mlflow", "flask", "starlette", "uvicorn")


def main(argv: Sequence[str]) -> int:
    """Run the command line after `hokusai-register sandbox`; return the exit code."""
    options = _parser().parse_args(argv)
    place = Place(Path(options.directory).resolve())
    try:
        return int(options.run(options, place))
    except RegisterError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except (OSError, sqlite3.Error) as error:
        print(f"cannot use {place.directory}\nwhy: {error}", file=sys.stderr)
        print("fix: give a directory that you may write with --directory", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hokusai-register sandbox",
        description="Start a Hokusai service on this machine to try things on.",
    )
    parser.add_argument("--directory", default=_DIRECTORY, help="where it keeps everything")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=5080, help="port to listen on; 0: any free")
    parser.add_argument("--allow-remote", action="store_true", help="let other machines in")
    parser.add_argument("--ready-file", type=Path, help="write the addresses here when ready")
    parser.add_argument(
        "--limited", action="store_true", help=f"take {EVENTS} events a minute, as the service does"
    )
    parser.set_defaults(run=_start)
    keys = parser.add_subparsers(metavar="keys").add_parser("keys", help="manage its API keys")
    actions = keys.add_subparsers(required=True, metavar="create|list|revoke")

    create = _action(actions, "create", _create, "make a key and show it, this once")
    create.add_argument("--name", default="", help="what it is for")
    create.add_argument("--balance", type=int, metavar="N", help="events that it can pay for")
    create.add_argument("--scope", action="append", metavar="S", help="may be given again")
    _action(actions, "list", _list, "show all keys, but not the keys themselves")
    revoke = _action(actions, "revoke", _revoke, "put a key out of force")
    revoke.add_argument("id", type=int, help="its number in the list")
    return parser


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace, Place], int],
    does: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=does, description=f"{does.capitalize()}.")
    # No default here: it would undo what was given before `keys`.
    parser.add_argument("--directory", default=argparse.SUPPRESS, help="the sandbox's directory")
    parser.set_defaults(run=run)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004 - the greatest there is
        raise argparse.ArgumentTypeError(f"{text} is no port from 0 to 65535")
    return int(text)


def _start(options: argparse.Namespace, place: Place) -> int:
    _require_extra()
    _require_consent(options)
    # Until the event loop looks after both signals, either unwinds what was started.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        place.make()
        with ready_file(options.ready_file):
            return _run(options, place)
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(options: argparse.Namespace, place: Place) -> int:
    with _listen(options.host, options.port) as listener, mlflow(place.directory) as child:
        # Importing this takes a while, in which MLflow starts, and needs the extra.
        from hokusai_register.sandbox.server import serve  # noqa: PLC0415

        addresses = Addresses.of(options.host, listener.getsockname()[1], child.url)

        def announce() -> None:
            if options.ready_file:
                addresses.write(options.ready_file)
            print(addresses.as_text(place.directory), flush=True)

        return asyncio.run(serve(place, listener, child, announce, limited=options.limited))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise RegisterError(
            f"cannot listen on {host} port {port}",
            why=str(error),
            fix="stop what listens there, or give another --port (0: any free one)",
        ) from error


def _require_extra() -> None:
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        raise RegisterError(
            "the sandbox is not installed",
            why=f"it needs {', '.join(missing)}, which the package alone does not bring",
            fix="pip install 'hokusai-register-model[sandbox]'",
        )


def _require_consent(options: argparse.Namespace) -> None:
    if _is_loopback(options.host):
        return
    if not options.allow_remote:
        raise RegisterError(
            f"will not listen on {options.host}",
            why="other machines could reach it, and read all of MLflow without a key",
            fix="leave out --host, or add --allow-remote if that is what you want",
        )
    print(f"warning: other machines can reach the sandbox on {options.host}", file=sys.stderr)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _create(options: argparse.Namespace, place: Place) -> int:
    place.make()
    scopes = options.scope or DEFAULT_SCOPES
    print(Keys(place.keys).create(scopes, options.name, options.balance))
    print(f"scopes: {', '.join(scopes)}; it is shown this once only", file=sys.stderr)
    print("use it as the input api-key, or as the variable HOKUSAI_API_KEY", file=sys.stderr)
    return 0


def _list(_options: argparse.Namespace, place: Place) -> int:
    print("id  name  scopes  created  state")
    for key in _existing(place).list():
        state = f"revoked {key.revoked}" if key.revoked else "in force"
        print(f"{key.id}  {key.name or '-'}  {','.join(key.scopes)}  {key.created}  {state}")
    return 0


def _revoke(options: argparse.Namespace, place: Place) -> int:
    if not _existing(place).revoke(options.id):
        raise RegisterError(
            f"cannot revoke key {options.id}",
            why="no key in force has this number",
            fix="look at: hokusai-register sandbox keys list",
        )
    return 0


def _existing(place: Place) -> Keys:
    if not place.keys.exists():
        raise RegisterError(
            f"there are no keys in {place.directory}",
            why="no sandbox keeps its keys there",
            fix="give its --directory, or make a key: hokusai-register sandbox keys create",
        )
    return Keys(place.keys)
