"""The command line: what it may say, and what is said where it is wrong."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from hokusai_register import __version__
from hokusai_register.checks import near
from hokusai_register.fields import BY_NAME
from hokusai_register.hosts.terminal import ASKED, REPLAYED, add_flags
from hokusai_register.text import line


def parse(given: Sequence[str]) -> argparse.Namespace:
    """Return the flags and the `command`, or exit; what may be a key is not repeated."""
    parser = _parser()
    options, unknown = parser.parse_known_args(given)
    flags = [word.partition("=")[0] for word in unknown if word.startswith("--")]
    if flags:
        parser.error(f"there is no {flags[0]}{near(flags[0], map('--{}'.format, BY_NAME))}")
    if unknown:
        parser.error("there is an argument that belongs to no flag")
    return options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(line(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="hokusai-register",
        description="Register a model from CI, and say honestly where it is now.",
        epilog="exit codes: 0 as asked, 1 failed, 2 input, 3 credentials, 70 bug, 130 or 143 "
        "cancelled",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    commands.add_parser("action", help="what the image runs on a GitHub runner")
    command = commands.add_parser(
        "register", help="register a model from a terminal or another CI", allow_abbrev=False
    )
    add_flags(command)
    again = commands.add_parser(
        "replay", help="register what a local registration kept", allow_abbrev=False
    )
    again.add_argument("bundles", nargs="+", metavar="BUNDLE", help="directory with a bundle.json")
    add_flags(again, REPLAYED)
    doctor = commands.add_parser(
        "doctor", help="look at addresses, trust, key, rights and clock", allow_abbrev=False
    )
    doctor.add_argument("--billed", action="store_true", help="ask what each asking costs, too")
    add_flags(doctor, ASKED)
    commands.add_parser("sandbox", help="a Hokusai service on loopback, to try things on")
    return parser
