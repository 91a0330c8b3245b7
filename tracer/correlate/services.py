# ruff: noqa: E501 (a table)
"""What the host that was asked tells: public services answer under names of their own.

A name says who stands at the end of the path, not that they denied: products' marks on the answer weigh more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from tracer.model.http import Request
from tracer.model.verdict import Layer

WEIGHT = 1.3


class Service(NamedTuple):
    """One public service and the names it answers under."""

    product: str
    layer: Layer
    hosts: str
    """regular expression over the whole host name, lower case"""
    reference: str


SERVICES = (
    Service("aws-s3", Layer.ORIGIN, r"(.+\.)?s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?", "https://docs.aws.amazon.com/general/latest/gr/s3.html"),
    Service("aws-lambda-url", Layer.GATEWAY, r".+\.lambda-url\.[a-z0-9-]+\.on\.aws", "https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html"),
    Service("aws-api-gateway", Layer.GATEWAY, r".+\.execute-api\.[a-z0-9-]+\.amazonaws\.com(\.cn)?", "https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html"),
    Service("aws-opensearch", Layer.ORIGIN, r".+\.[a-z0-9-]+\.(es|aoss)\.amazonaws\.com", "https://docs.aws.amazon.com/general/latest/gr/opensearch-service.html"),
    Service("amazon-sp-api", Layer.ORIGIN, r"(sandbox\.)?sellingpartnerapi-[a-z]{2}\.amazon\.com", "https://developer-docs.amazon.com/sp-api/docs/sp-api-endpoints"),
    Service("azure-blob-storage", Layer.ORIGIN, r".+\.(blob|dfs)\.core\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)", "https://learn.microsoft.com/azure/storage/common/storage-account-overview"),
    Service("azure-openai", Layer.GATEWAY, r".+\.(openai\.azure|cognitiveservices\.azure)\.com", "https://learn.microsoft.com/azure/ai-services/openai/reference"),
    Service("azure-apim", Layer.GATEWAY, r".+\.azure-api\.net", "https://learn.microsoft.com/azure/api-management/"),
    Service("azure-resource-manager", Layer.ORIGIN, r"management\.azure\.com", "https://learn.microsoft.com/rest/api/azure/"),
    Service("ms-graph", Layer.APP, r"graph\.microsoft\.(com|us)", "https://learn.microsoft.com/graph/use-the-api"),
    Service("sharepoint-online", Layer.APP, r".+\.sharepoint\.(com|us|cn)", "https://learn.microsoft.com/sharepoint/dev/"),
    Service("google-cloud-storage", Layer.ORIGIN, r"(.+\.)?storage\.(googleapis|cloud\.google)\.com", "https://cloud.google.com/storage/docs/request-endpoints"),
    Service("google-api", Layer.ORIGIN, r"(?!storage\.)(.+\.)?googleapis\.com", "https://cloud.google.com/apis/docs/overview"),
    Service("alibaba-oss", Layer.ORIGIN, r".+\.oss-[a-z0-9-]+\.aliyuncs\.com", "https://www.alibabacloud.com/help/en/oss/user-guide/regions-and-endpoints"),
    Service("tencent-cos", Layer.ORIGIN, r".+\.cos\.[a-z0-9-]+\.myqcloud\.com", "https://www.tencentcloud.com/document/product/436/6224"),
    Service("digitalocean-spaces", Layer.ORIGIN, r".+\.digitaloceanspaces\.com", "https://docs.digitalocean.com/products/spaces/reference/s3-compatibility/"),
    Service("cloudflare-r2", Layer.ORIGIN, r".+\.r2\.(cloudflarestorage\.com|dev)", "https://developers.cloudflare.com/r2/api/s3/api/"),
    Service("cloudflare-api", Layer.APP, r"api\.cloudflare\.com", "https://developers.cloudflare.com/api/"),
    Service("github-api", Layer.APP, r"(api|uploads)\.github\.com", "https://docs.github.com/rest"),
    Service("docker-registry", Layer.APP, r"registry-1\.docker\.io", "https://docs.docker.com/reference/api/registry/latest/"),
    Service("openai-api", Layer.APP, r"api\.openai\.com", "https://platform.openai.com/docs/api-reference"),
    Service("anthropic-api", Layer.APP, r"api\.anthropic\.com", "https://docs.anthropic.com/en/api/overview"),
    Service("xai-api", Layer.APP, r"api\.x\.ai", "https://docs.x.ai/docs/api-reference"),
    Service("huggingface-hub", Layer.APP, r"huggingface\.co", "https://huggingface.co/docs/hub/api"),
    Service("discord-api", Layer.APP, r"(.+\.)?discord(app)?\.com", "https://discord.com/developers/docs/reference"),
    Service("spotify-api", Layer.APP, r"api\.spotify\.com", "https://developer.spotify.com/documentation/web-api"),
    Service("twitter-api", Layer.APP, r"api\.(twitter|x)\.com", "https://docs.x.com/x-api"),
    Service("telegram-bot-api", Layer.APP, r"api\.telegram\.org", "https://core.telegram.org/bots/api"),
    Service("sendgrid-api", Layer.APP, r"api\.sendgrid\.com", "https://www.twilio.com/docs/sendgrid/api-reference"),
    Service("heroku-api", Layer.APP, r"api\.heroku\.com", "https://devcenter.heroku.com/articles/platform-api-reference"),
    Service("hubspot-api", Layer.APP, r"api\.hubapi\.com", "https://developers.hubspot.com/docs/api"),
    Service("shopify-api", Layer.APP, r".+\.myshopify\.com", "https://shopify.dev/docs/api"),
    Service("jira", Layer.APP, r".+\.atlassian\.net", "https://developer.atlassian.com/cloud/jira/platform/rest/v3/"),
    Service("gitlab", Layer.APP, r"gitlab\.com", "https://docs.gitlab.com/api/rest/"),
    Service("app-store-connect-api", Layer.APP, r"api\.appstoreconnect\.apple\.com", "https://developer.apple.com/documentation/appstoreconnectapi"),
    Service("supabase-storage", Layer.APP, r".+\.supabase\.(co|in)", "https://supabase.com/docs/guides/storage"),
    Service("wikimedia", Layer.CDN, r"(upload|commons)\.wikimedia\.org", "https://wikitech.wikimedia.org/wiki/CDN"),
)  # fmt: skip
_COMPILED = tuple((s, re.compile(s.hosts)) for s in SERVICES)


def services_at(request: Request) -> Iterator[tuple[Service, str]]:
    """(service, host name) for the service that answers under the host of the request."""
    try:
        host = urlsplit(request.url).hostname or ""
    except ValueError:
        return
    for service, pattern in _COMPILED:
        if pattern.fullmatch(host):
            yield service, host
            return
