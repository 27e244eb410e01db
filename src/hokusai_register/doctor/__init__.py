"""Looks at everything that a registration needs, and says what is wrong and how to mend it.

Nothing is left behind: rights are asked for with requests that a service refuses for their shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hokusai_register.diagnosis import Diagnosis, failed
from hokusai_register.doctor import machine, services
from hokusai_register.doctor.settings import read
from hokusai_register.errors import RegisterError
from hokusai_register.hosts import Request
from hokusai_register.model import Secret


def diagnose(
    request: Request, mask: Callable[[Iterable[Secret]], None], *, billed: bool = False
) -> Diagnosis:
    """Return what was found; with `billed`, also what a service wants to be paid for."""
    found = [machine.versions()]
    try:
        settings = read(request)
        mask(settings.login.secrets)
        found += [machine.key(settings), machine.disk(settings)]
        found += services.ask(settings, billed=billed)
    except RegisterError as error:
        return Diagnosis((*found, failed("inputs", error)))
    found += [*machine.certificates(settings.network), *machine.clocks(settings.network)]
    return Diagnosis(tuple(found))
