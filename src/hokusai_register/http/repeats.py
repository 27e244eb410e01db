"""Whether a request is sent again, and when."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping

from hokusai_register.errors import RegisterError, UnavailableError, UnconfirmedError
from hokusai_register.http.answers import REFUSED, Answer, Effect

LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_TURNED_AWAY = frozenset({429})  # before anything was done


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks for, given as a number or a date (RFC 9110)."""
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    then = date(asked)
    now = date(headers.get("date", "")) or time.time()  # by the clock that the date is from
    return then - now if then and then > now else None


def date(text: str) -> float | None:
    """Return an HTTP date as seconds since 1970, if it is one."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def repeats(outcome: Answer | RegisterError, effect: Effect) -> bool:
    """Whether sending it again is harmless, and may help."""
    if isinstance(outcome, Answer):
        again = {Effect.ONCE: _TURNED_AWAY, Effect.BILLED: frozenset()}.get(effect, LATER)
        # MLflow's own word for good has a 5xx too.
        return outcome.meant in again and outcome.error_code() not in REFUSED
    if isinstance(outcome, UnconfirmedError):
        return effect is Effect.REPEATABLE
    return isinstance(outcome, UnavailableError)
