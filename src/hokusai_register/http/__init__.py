"""The only HTTP client: one origin and one identity, exact causes, no redirects.

Nothing is sent again that must not arrive twice: see `answers.Effect`.
"""

from hokusai_register.http.answers import Answer, Effect, refusal, senseless
from hokusai_register.http.bodies import Body, Tally
from hokusai_register.http.client import SKEW, Http, Network
from hokusai_register.http.login import Login
from hokusai_register.http.tls import Certificate
from hokusai_register.http.together import beside, both, together

__all__ = [
    "SKEW",
    "Answer",
    "Body",
    "Certificate",
    "Effect",
    "Http",
    "Login",
    "Network",
    "Tally",
    "beside",
    "both",
    "refusal",
    "senseless",
    "together",
]
