"""Starts the command with an `os` and a `signal` as Windows has them: `COMMAND python -m … ARGS`.

Only for the modules of this project: what libraries import is what this system has. Beside names
that are missing there, Windows opens no directory and waits for the bytes of no file that was
opened for reading.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import os
import runpy
import signal
import stat
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

OURS = "hokusai_register"
OF_OS = (
    *("O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK", "O_PATH"),
    *("chown", "fchmod", "fchown", "fork", "geteuid", "getuid", "killpg", "mkfifo", "pread"),
    *("register_at_fork", "setsid", "statvfs", "sysconf", "uname"),
)
OF_SIGNAL = ("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGUSR1", "pthread_sigmask", "setitimer")
MISSING = ("fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "tty")


def _open(path: Any, flags: int, mode: int = 0o777) -> int:
    descriptor = os.open(path, flags, mode)
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PermissionError(errno.EACCES, "Permission denied", str(path))
    return descriptor


def _fsync(descriptor: int) -> None:
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "Bad file descriptor")
    os.fsync(descriptor)


def _without(module: ModuleType, lacking: Sequence[str], **instead: Any) -> ModuleType:
    lesser = ModuleType(module.__name__)
    kept = {name: it for name, it in vars(module).items() if name not in lacking}
    vars(lesser).update(kept | instead)
    return lesser


THERE = {
    "os": _without(os, OF_OS, open=_open, fsync=_fsync, supports_dir_fd=set()),
    "signal": _without(signal, OF_SIGNAL),
}
real_import = builtins.__import__


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,  # noqa: A002  # that is what `import` calls it
    locals: Mapping[str, Any] | None = None,  # noqa: A002  # see above
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    if str((globals or {}).get("__name__", "")).startswith(OURS):
        if name in MISSING:
            raise ModuleNotFoundError(name=name)
        if name in THERE:
            return THERE[name]
    return real_import(name, globals, locals, fromlist or (), level)


if __name__ == "__main__":
    builtins.__import__ = _import
    sys.argv = sys.argv[3:]
    runpy.run_module(OURS, run_name="__main__", alter_sys=True)
