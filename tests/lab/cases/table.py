"""All cases, in the order in which they run."""

from tests.lab.case import Case
from tests.lab.cases import (
    apache,
    app,
    cdn,
    control,
    cookies,
    files,
    forward,
    frameworks,
    gateway,
    gateway_go,
    mtls,
    nginx,
    places,
    policies,
    redirects,
    special,
    storage,
    waf,
)

CASES: tuple[Case, ...] = (
    *nginx.CASES,
    *apache.CASES,
    *storage.CASES,
    *app.CASES,
    *frameworks.CASES,
    *gateway.CASES,
    *gateway_go.CASES,
    *waf.CASES,
    *cdn.CASES,
    *mtls.CASES,
    *forward.CASES,
    *redirects.CASES,
    *cookies.CASES,
    *places.CASES,
    *files.CASES,
    *policies.CASES,
    *special.CASES,
    *control.CASES,
)
