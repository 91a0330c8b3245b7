"""Denials by applications and their frameworks."""

from tests.lab.case import Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_SHOP = "http://shop.example.test"

CASES = (
    Case(
        name="django-csrf-behind-haproxy",
        layer=Layer.APP,
        product="django",
        cause=Cause.CSRF_FAILED,
        status=403,
        hop="django",
        route=("haproxy", "django"),
        steps=(curl(f"{_SHOP}/"), curl(f"{_SHOP}/checkout/", "-d", "item=7")),
        proof=Proof("django", "output.log", r"Forbidden \(CSRF cookie not set\.\): /checkout/"),
        accept=Accept(products=("gunicorn",)),
        story="A form is posted to a shop behind HAProxy without the CSRF cookie and token.\n"
        "Django's middleware refuses it before the view runs; HAProxy only relayed.",
        curated=True,
    ),
)
