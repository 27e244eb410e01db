"""The flow, in one straight line: read, parse, register, publish."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from hokusai_register import bundle, command_line, hosts, inputs, render
from hokusai_register.access import SHORTEST_KEY
from hokusai_register.cancellation import Cancellation, Cancelled
from hokusai_register.deadline import Deadline
from hokusai_register.diagnosis import Diagnosis, failed
from hokusai_register.errors import FileError, InternalError, RegisterError
from hokusai_register.files import Reading
from hokusai_register.hosts import taken
from hokusai_register.hosts.stray import Stray
from hokusai_register.hosts.terminal import Terminal
from hokusai_register.model import Backend, Report, Secret
from hokusai_register.redaction import redact
from hokusai_register.register import register
from hokusai_register.text import lines

T = TypeVar("T")
LARGE = 1 << 29  # bytes of a model that take about as long to hash as MLflow to import


def run(host: hosts.Host) -> int:
    """Register what `host` asks for, show it there, and return the exit code."""
    # Whatever a library has to say goes through the same door as our own words.
    logging.basicConfig(handlers=[_ToHost(host)], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    cancellation = Cancellation(lambda error: host.publish(Report(error=error)))

    def reported() -> Report:
        with cancellation:
            return _report(host, cancellation.deadline)

    ended = _outcome(host, reported)
    report = Report(error=ended) if isinstance(ended, RegisterError) else ended
    shown = _show(host, report) if cancellation.last_word() else 1
    cancellation.release()
    return report.exit_code or shown


def _outcome(host: hosts.Host, work: Callable[[], T]) -> T | RegisterError:
    """Return what `work` returns, or the error that it ends in; no bug ends us past every host."""
    try:
        return work()
    except RegisterError as error:
        return error
    except Cancelled as cancelled:
        return cancelled.error
    except Exception as error:  # noqa: BLE001  # the only one: a bug must not hide the outputs
        if os.environ.get("RUNNER_DEBUG") == "1":
            for row in lines("".join(traceback.format_exception(error))):
                host.step(row)
        return _bug(error)


def _show(host: hosts.Host, report: Report) -> int:
    """Publish the report; return the exit code that is left for a success."""

    def published() -> bool:
        try:
            return host.publish(report)
        except OSError as error:
            raise RegisterError(
                "the result cannot be shown",
                why=error.strerror or str(error),
                fix="make room for it, then run the job again: it finds what was registered",
            ) from error

    ended = _outcome(host, published)
    if isinstance(ended, RegisterError):
        for row in (*str(ended).splitlines(), f"{report.status}: {report.receipt}"):
            host.step(row)
        return ended.exit_code
    return 0 if ended else 1


def _report(host: hosts.Host, deadline: Deadline) -> Report:
    request = host.read()
    host.mask(inputs.secrets(request.raw, request.environ))
    asked = inputs.parse(request.raw, request.environ, request.roots, _reading(host))
    if asked.skip:
        return Report(model=asked.model, skipped=asked.skip)
    deadline.at_most(asked.timeout)
    # The registrars bring the HTTP client with them, which a wrong input need not wait for.
    from hokusai_register import registrars  # noqa: PLC0415
    from hokusai_register.http import Login  # noqa: PLC0415

    host.mask(Login.of(asked.credentials).secrets)
    network = registrars.network(asked, deadline)
    backends = registrars.build(asked, network, host)
    report = register(asked.model, asked.policy, backends, dry_run=asked.dry_run)
    remarks = (*asked.remarks, *network.remarks())
    return _guarded(replace(report, remarks=remarks), asked.credentials.key)


def _reading(host: hosts.Host) -> Callable[[Backend], Reading]:
    """Show how far the hashing of the model is; a large one leaves time to import MLflow beside."""

    @contextmanager
    def reading(first: Backend, size: int) -> Iterator[Callable[[int], object]]:
        host.begins(size)
        if size < LARGE:
            yield host.advances
            return
        host.step(f"hashing {size / 1e6:,.0f} MB")
        from hokusai_register.registrars.client import ahead  # noqa: PLC0415  # see `_report`

        with ahead() if first in (Backend.MLFLOW, Backend.LOCAL) else nullcontext():
            yield host.advances

    return lambda first: partial(reading, first)


def _guarded(report: Report, key: Secret) -> Report:
    """Return `report`, or a failure if an output would show the key: runners drop such outputs."""
    hidden = [key.reveal()] if len(key.reveal()) >= SHORTEST_KEY else []
    ids = [pair for pair in render.outputs(report).items() if pair[0] != "result"]
    found = [name for name, value in ids if redact(value, hidden) != value]
    if not found:
        return report
    error = InternalError(
        "the outputs of the step would show the key",
        why=f"it is in what the registry says for {', '.join(found)}",
        fix="replace the key, look at what the registry has under this name, and report this",
    )
    return Report(model=report.model, attempts=report.attempts, error=error)


class _ToHost(logging.Handler):
    """Hands the records of all loggers to the host, which makes foreign text inert."""

    def __init__(self, host: hosts.Host) -> None:
        super().__init__()
        self._host = host

    def emit(self, record: logging.LogRecord) -> None:
        for row in lines(f"{record.name}: {record.getMessage()}"):
            self._host.step(row)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    sys.exit(obey(arguments))


def obey(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit code; a line that is wrong exits."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["sandbox"]:
        from hokusai_register.sandbox import command  # noqa: PLC0415  # an extra, for a few

        sys.exit(command.main(given[1:]))
    options = command_line.parse(given)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what cannot be printed here ends nothing
            stream.reconfigure(errors="backslashreplace")
    with Stray() as stray:
        return _COMMANDS[options.command](options, stray)


def _action(_: argparse.Namespace, stray: Stray) -> int:
    from hokusai_register.hosts.github import GitHub  # noqa: PLC0415  # only where a runner is

    # All on stdout: a runner reads both streams with two threads, and a secret that is printed on
    # one may overtake the mask that is printed on the other.
    return run(stray.heard_by(GitHub(os.environ, stray.out)))


def _register(options: argparse.Namespace, stray: Stray) -> int:
    return run(stray.heard_by(Terminal(options, os.environ, stray.out, stray.err)))


def _doctor(options: argparse.Namespace, stray: Stray) -> int:
    """Say what stands in the way of a registration; the exit code is that of the worst."""
    host = stray.heard_by(Terminal(options, os.environ, stray.out, stray.err))

    def diagnosed() -> Diagnosis:
        request = host.read()
        host.mask(inputs.secrets(request.raw, request.environ))
        from hokusai_register.doctor import diagnose  # noqa: PLC0415  # it brings the HTTP client

        return diagnose(request, host.mask, billed=options.billed)

    ended = _outcome(host, diagnosed)
    found = Diagnosis((failed("doctor", ended),)) if isinstance(ended, RegisterError) else ended
    host.show(found)
    return found.exit_code


def _replay(options: argparse.Namespace, stray: Stray) -> int:
    """Register one bundle after the other; the exit code is that of the first that failed."""
    environ = taken(os.environ)
    codes = []
    for kept in options.bundles:
        options.model_path = kept
        host = stray.heard_by(Terminal(options, dict(environ), stray.out, stray.err))
        known = bundle.is_bundle(Path(options.workspace) / kept)
        codes.append(run(host) if known else _no_bundle(kept, host))
    return next((code for code in codes if code), 0)


def _no_bundle(path: str, host: hosts.Host) -> int:
    error = FileError(
        f"{path!a} is not a bundle",
        why=f"it is no directory with a {bundle.NAME}",
        fix="give the path that the output `bundle` named, or that the bundle was downloaded to",
    )
    host.publish(Report(error=error))
    return error.exit_code


def _bug(error: Exception) -> InternalError:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return InternalError(
        "the step failed by a bug of its own",
        why=f"{type(error).__name__} in {where.name}, line {where.lineno}",
        fix="report it with the log of a run with RUNNER_DEBUG=1",
    )


_COMMANDS = {"action": _action, "register": _register, "replay": _replay, "doctor": _doctor}
