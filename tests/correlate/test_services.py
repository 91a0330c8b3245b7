"""Hosts of public services."""

from __future__ import annotations

import re

import pytest

from tracer.correlate.services import services, services_at
from tracer.model.http import Request


def _asked(url: str) -> list[str]:
    return [named.service.product for named in services_at(Request(method="GET", target="/", url=url))]


@pytest.mark.parametrize(
    ("url", "product"),
    [
        ("https://bucket.s3.eu-west-1.amazonaws.com/k", "aws-s3"),
        ("https://s3.amazonaws.com/bucket/k", "aws-s3"),
        ("https://acct.blob.core.windows.net/c/b", "azure-blob-storage"),
        ("https://storage.googleapis.com/b/o", "google-cloud-storage"),
        ("https://bucket.storage.googleapis.com/o", "google-cloud-storage"),
        ("https://drive.googleapis.com/v3", "google-api"),
        ("https://id.execute-api.us-east-1.amazonaws.com/prod", "aws-api-gateway"),
        ("https://api-m.sandbox.paypal.com/v1/payments", "paypal-api"),
        ("https://us1.api.mailchimp.com/3.0/", "mailchimp-api"),
        ("https://paper-api.alpaca.markets/v2/account", "alpaca-api"),
        ("https://en.wikipedia.org/w/api.php", "mediawiki"),
        ("https://contoso.okta.com/api/v1/users", "okta"),
    ],
)
def test_a_documented_endpoint_names_its_service(url: str, product: str) -> None:
    assert _asked(url) == [product]


@pytest.mark.parametrize(
    "url", ["https://s3.example.test/", "https://api.github.com.evil.test/", "/relative", "http://[bad"]
)
def test_other_hosts_name_nobody(url: str) -> None:
    assert _asked(url) == []


@pytest.mark.parametrize(
    ("path", "product"),
    [
        ("/oauth2/auth", "oauth2-proxy"),
        ("/wp-json/wp/v2/posts", "wordpress"),
        ("/api/v1/namespaces/default/pods", "kubernetes"),
        ("/apisix/admin/routes", "apisix"),
    ],
)
def test_a_path_that_one_product_alone_has_names_it(path: str, product: str) -> None:
    assert _asked(f"https://www.test{path}") == [product]


def test_a_host_outweighs_a_path() -> None:
    assert _asked("https://api.github.com/wp-json/x") == ["github-api"]


def test_a_platform_that_runs_others_programs_is_named_in_passing() -> None:
    of_others, own = (
        next(services_at(Request(method="GET", target="/", url=url, headers=()))).weight
        for url in ("https://shop.onrender.com/", "https://abc.execute-api.eu-west-1.amazonaws.com/")
    )
    assert of_others < own / 2


def test_the_scope_of_a_signature_names_the_service() -> None:
    signed = b"AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/execute-api/aws4_request, Signature=0"
    request = Request(method="GET", target="/", url="https://api.test/", headers=((b"authorization", signed),))
    assert [n.service.product for n in services_at(request)] == ["aws-api-gateway"]


def test_every_name_has_a_reference_and_can_be_used() -> None:
    for service in services():
        assert service.reference.startswith("https://")
        assert sum(x is not None for x in (service.host, service.path, service.field)) == 1
        for expression in (service.host, service.path, service.like):
            re.compile(expression or "")
