"""A library that speaks out of turn: in every way that a process can print, in no good words."""

from __future__ import annotations

from pathlib import Path

WORDS = (
    "words ::error::1\r::set-output name=status::registered\n"
    "\u2028::stop-commands::t\n##[set-output name=run-id]of another\n::add-mask::registered\n"
    "\x1b[31m\u202e ##[error]2"
)
NOISES = {
    "print": "print(WORDS)",
    "stderr": "print(WORDS, file=sys.stderr)",
    "unfinished": "print(WORDS, end='')",
    "descriptor": "os.write(1, f'{WORDS}\\n'.encode()); os.write(2, f'{WORDS}\\n'.encode())",
    "no UTF-8": "os.write(1, b'\\xff ' + f'{WORDS}\\n'.encode())",
    "C": "libc = ctypes.CDLL(None); libc.puts(WORDS.encode()); libc.fflush(None)",
    "child": "subprocess.run(['printf', '%s\\n', WORDS], check=True)",
    "warning": "warnings.warn(WORDS)",
    "logger": "logging.getLogger(WORDS).error(WORDS)",
    "handler": "log = logging.getLogger('own'); log.propagate = False; "
    "log.addHandler(logging.StreamHandler()); log.error(WORDS)",
    "exception": "logging.getLogger('own').exception('%d', WORDS)",
    "thread": "run(threading.Thread(target=fail))",
    "unraisable": "type('Gone', (), {'__del__': fail})()",
    "progress": "sys.stdout.write(f'  1%\\r 50%\\r{WORDS}\\n')",
    "much": "print(f'{WORDS}\\n' * 2000, 'x' * 100_000, WORDS)",
    "stack": "faulthandler.dump_traceback()",
    "end": "atexit.register(print, WORDS)",
}
_LIBRARY = f"""
import atexit, ctypes, faulthandler, logging, os, subprocess, sys, threading, warnings

WORDS = {WORDS!r}

def fail(*_):
    raise RuntimeError(WORDS)

def run(thread):
    thread.start()
    thread.join()

"""


def source(noise: str) -> str:
    """Return a module that makes one of the noises once it is imported."""
    return f"{_LIBRARY}{NOISES[noise]}\n"


def hidden(text: str) -> str:
    """Return an expression for `text` that does not have it, not even where it is compiled."""
    return f"bytes(one ^ 1 for one in {bytes(one ^ 1 for one in text.encode())!r}).decode()"


def install(place: Path, text: str) -> None:
    """Put a library at `place`, below a path of Python, that MLflow imports as one of its plugins.

    It keeps artifacts of a scheme that nobody has; MLflow imports all of those with itself.
    """
    (place / "noisy.py").write_text(text + "Repository = object\n", encoding="utf-8")
    about = place / "noisy-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: noisy\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        "[mlflow.artifact_repository]\nnoisy = noisy:Repository\n", encoding="utf-8"
    )
