"""Tokenized models: the rule for token ids, and finding what carries a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict, Unpack

from hokusai.core import arguments
from hokusai.core.arguments import Metrics
from hokusai.core.registering import Registering
from hokusai.exceptions import InvalidParameterError, NotificationError, RegistryException
from hokusai_register import tokens
from hokusai_register.errors import Reason
from hokusai_register.mappings import number
from hokusai_register.registrars.catalog import Version
from hokusai_register.registrars.terms import EVENT, PENDING
from hokusai_register.tokenized import TAGS, Announcement, EventState

TOKEN, METRIC, VALUE = REQUIRED = ("hokusai_token_id", "benchmark_metric", "benchmark_value")
PROPOSAL = "hokusai_proposal_identifier"
RUN = "mlflow_run_id"


class TokenizedModel(TypedDict):
    """A model version that carries a token; `token_id` is in upper case.

    `status` is that of an entry. `event` says what became of the announcement: sent, failed,
    unknown or not-sent; `notification_error` why, if it was not sent.
    """

    model_name: str
    version: str
    token_id: str
    proposal_identifier: str
    metric_name: str
    baseline_value: float
    mlflow_run_id: str
    status: str
    event: str
    event_emitted: bool
    notification_error: str
    tags: Mapping[str, str]


class EventDetails(TypedDict, total=False):
    """What the announcement of a token may tell besides; texts of at most 500 characters."""

    eval_spec: str | None
    scorer_ref: str | None
    primary_metric: str | None
    benchmark_spec_id: str | None
    api_schema: Mapping[str, object] | None


class Tokens(Registering):
    """A registry that knows of tokens."""

    def register_tokenized_model(
        self,
        model_uri: str,
        model_name: str,
        token_id: str,
        metric_name: str,
        baseline_value: float,
        additional_tags: Mapping[str, str] | None = None,
        *,
        metrics: Metrics | None = None,
        version: str = "",
        notify_site: bool = True,
        best_effort_notification: bool = False,
        **details: Unpack[EventDetails],
    ) -> TokenizedModel:
        """Register what a run has logged under a token, and announce it to the service, once.

        `details` are the texts `eval_spec`, `scorer_ref`, `primary_metric` and `benchmark_spec_id`,
        which stand on the version too, and the mapping `api_schema`: what the event tells besides.
        All is checked before anything is sent. Raises NotificationError if the model is registered
        and the announcement is not certain (not with `best_effort_notification`), and what
        `register_baseline` raises.
        """
        with self._call():
            asked = arguments.described(
                self._settings,
                metrics=metrics or {},
                tags=arguments.own_tags(additional_tags or {}, TAGS),
                model_name=model_name,
                version=version,
                token_id=self.normalize_token_id(token_id),
                metric_name=metric_name,
                baseline_value=arguments.as_number(baseline_value),
            )
            token = arguments.detailed(asked.token, details)
            asked = replace(asked, source=arguments.model_uri(model_uri), token=token)
            version_made, status, receipt = self._made(asked, announce=notify_site)
        found = self._tokenized(version_made)
        found["status"] = str(status)
        if receipt.event and receipt.event.state is not EventState.SENT:
            if not best_effort_notification:
                raise _not_announced(found, receipt.event)
            found["notification_error"] = receipt.event.why
        return found

    def validate_token_id(self, token_id: str) -> None:
        """Raise InvalidParameterError unless this is a token id: letters, digits, inner hyphens."""
        self.normalize_token_id(token_id)

    def normalize_token_id(self, token_id: str) -> str:
        """Return a token id as it is stored, in upper case; raises InvalidParameterError."""
        try:
            return tokens.token_id(token_id)
        except (TypeError, ValueError) as error:
            raise InvalidParameterError(
                "the token id cannot be used", why=str(error), fix="correct it; nothing was sent"
            ) from error

    def validate_hokusai_tags(self, tags: Mapping[str, str]) -> None:
        """Raise RegistryException unless these are the tags of a tokenized model."""
        for name in REQUIRED:
            if not isinstance(tags.get(name), str):
                raise _no_token(f"the tag {name} is missing")
        try:
            number(tags[VALUE])
        except ValueError as error:
            raise _no_token(f"its {VALUE} is no number: {error}") from error

    def get_tokenized_model(self, model_name: str, version: str) -> TokenizedModel:
        """Return one version; raises ModelNotFoundError, or RegistryException without a token."""
        with self._call():
            return self._tokenized(self._versions.get(model_name, str(version)))

    def list_models_by_token(self, token_id: str) -> list[TokenizedModel]:
        """Return the versions with this token, the newest first; raises InvalidParameterError.

        What carries the token and lacks the rest of the tags is left out.
        """
        wanted = self.normalize_token_id(token_id)
        with self._call():
            found = self._newest({TOKEN: wanted})
        return [self._tokenized(version) for version in found if self._is_tokenized(version)]

    def _is_tokenized(self, version: Version) -> bool:
        try:
            self.validate_hokusai_tags(version.tags)
        except RegistryException:
            return False
        return True

    def _tokenized(self, version: Version) -> TokenizedModel:
        self.validate_hokusai_tags(version.tags)
        tags = version.tags
        event = _event(tags.get(EVENT, ""))
        return TokenizedModel(
            model_name=version.name,
            version=version.number,
            token_id=tags[TOKEN],
            proposal_identifier=tags.get(PROPOSAL, ""),
            metric_name=tags[METRIC],
            baseline_value=number(tags[VALUE]),
            mlflow_run_id=tags.get(RUN, version.run_id),
            status=self._entry(version).status,
            event=str(event),
            event_emitted=event is EventState.SENT,
            notification_error="",
            tags=tags,
        )


def _not_announced(found: TokenizedModel, event: Announcement) -> NotificationError:
    registered = f"{found['model_name']} is registered as version {found['version']}"
    return NotificationError(
        f"{registered}, and its token {found['token_id']} is not certainly announced",
        why=event.why,
        fix=event.fix,
    )


def _event(recorded: str) -> EventState:
    """Return what became of an event by what stands on the version."""
    known = {str(state): state for state in EventState}
    pending = EventState.NOT_SENT if recorded in ("", PENDING) else EventState.UNKNOWN
    return known.get(recorded, pending)


def _no_token(why: str) -> RegistryException:
    return RegistryException(
        "this version is no tokenized registration",
        why=why,
        fix="register it with register_tokenized_model()",
        reason=Reason.INVALID,
    )
