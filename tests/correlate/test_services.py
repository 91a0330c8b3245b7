"""Hosts of public services."""

from __future__ import annotations

import pytest

from tracer.correlate.services import services_at
from tracer.model.http import Request


def _asked(url: str) -> list[str]:
    return [s.product for s, _ in services_at(Request(method="GET", target="/", url=url))]


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
    ],
)
def test_a_documented_endpoint_names_its_service(url: str, product: str) -> None:
    assert _asked(url) == [product]


@pytest.mark.parametrize(
    "url", ["https://s3.example.test/", "https://api.github.com.evil.test/", "/relative", "http://[bad"]
)
def test_other_hosts_name_nobody(url: str) -> None:
    assert _asked(url) == []
