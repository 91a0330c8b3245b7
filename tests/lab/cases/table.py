"""All cases, in the order in which they run."""

from tests.lab.case import Case
from tests.lab.cases import app, cdn, forward, gateway, mtls, origin

CASES: tuple[Case, ...] = (
    *origin.CASES,
    *app.CASES,
    *gateway.CASES,
    *cdn.CASES,
    *mtls.CASES,
    *forward.CASES,
)
