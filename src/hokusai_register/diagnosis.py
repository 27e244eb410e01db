"""What the doctor found: one line for each thing that it looked at, as text or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from hokusai_register.errors import RegisterError
from hokusai_register.text import json_line

SCHEMA = 1


class Health(StrEnum):
    """How it is with one thing."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `certain` is false where nobody could find out.

    `exit_code` is what it would end a registration with, `milliseconds` how long it took to ask.
    """

    check: str
    said: str
    health: Health = Health.OK
    fix: str = ""
    certain: bool = True
    exit_code: int = 0
    milliseconds: int | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order in which they were made."""

    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """That of the worst finding: 70 a bug of ours, 3 credentials, 2 input, 1 anything else."""
        return max((found.exit_code for found in self.findings), default=0)

    def cleaned(self, clean: Callable[[str], str]) -> Diagnosis:
        """Return the same with `clean` applied to all that may be foreign."""
        return Diagnosis(
            tuple(
                replace(found, said=clean(found.said), fix=clean(found.fix))
                for found in self.findings
            )
        )

    def as_text(self) -> list[str]:
        """Return one row for each finding, and one for its fix."""
        widest = max((len(found.check) for found in self.findings), default=0)
        rows = []
        for found in self.findings:
            head = found.health if found.certain else "?"
            took = "" if found.milliseconds is None else f" ({found.milliseconds:,} ms)"
            rows.append(f"{head:4}  {found.check:{widest}}  {found.said}{took}")
            if found.fix:
                rows.append(f"{'':4}  {'':{widest}}  fix: {found.fix}")
        return rows

    def as_json(self) -> str:
        """Return all of it as one line of JSON."""
        findings = [asdict(found) for found in self.findings]
        whole = {"schema": SCHEMA, "exit_code": self.exit_code, "findings": findings}
        return json_line(whole)


def failed(check: str, error: RegisterError) -> Finding:
    """Return the finding that an error is."""
    return Finding(
        check=check,
        said=f"{error.what}: {error.why} ({error.reason})",
        health=Health.FAIL,
        fix=error.fix,
        exit_code=error.exit_code,
    )


def softened(findings: Iterable[Finding], why: str) -> list[Finding]:
    """Return the findings of a service that another one stands in for: failures only warn."""
    return [
        replace(found, health=Health.WARN, exit_code=0, said=f"{found.said}; {why}")
        if found.health is Health.FAIL
        else found
        for found in findings
    ]
