"""Refusals of frameworks, services and gateways, as their sources and manuals say that they are written."""

from __future__ import annotations

import pytest

from tests.correlate.scenes import Fields, exchange, verdicts

JSON = "application/json"
TEXT = "text/plain"
HTML = "text/html"
BEARER = "WWW-Authenticate"


@pytest.mark.parametrize(
    ("product", "cause", "status", "says", "page"),
    [
        ("laravel", "credentials-missing", 401, {}, '{"message":"Unauthenticated."}'),
        ("laravel", "rate-limited", 429, {}, '{"message":"Too Many Attempts."}'),
        ("symfony", "credentials-expired", 401, {}, '{"code":401,"message":"Expired JWT Token"}'),
        ("rails", "credentials-missing", 401, {}, '{"error":"You need to sign in or sign up before continuing."}'),
        ("rails", "host-denied", 403, {}, "<h1>Blocked hosts: a.test</h1><h2>To allow requests to these</h2>"),
        ("rack-protection", "csrf-failed", 403, {}, "attack prevented by Rack::Protection::AuthenticityToken"),
        ("spring-security", "insufficient-scope", 403, {BEARER: 'Bearer error="insufficient_scope", error_description='
         '"The request requires higher privileges than provided by the access token."'}, ""),
        ("spring-security", "credentials-expired", 401, {BEARER: 'Bearer error="invalid_token", error_description='
         '"Jwt expired at 2026-01-05T12:00:00Z"'}, ""),
        ("aspnet", "credentials-expired", 401, {BEARER: 'Bearer error="invalid_token", error_description='
         "\"The token expired at '01/05/2026 12:00:00'\""}, ""),
        ("express", "csrf-failed", 403, {}, "<pre>ForbiddenError: invalid csrf token<br> at csrf</pre>"),
        ("nestjs", "rate-limited", 429, {}, '{"statusCode":429,"message":"ThrottlerException: Too Many Requests"}'),
        ("webpack-dev-server", "host-denied", 403, {}, "Invalid Host header"),
        ("django-rest-framework", "credentials-expired", 401, {}, '{"detail":"Given token not valid",'
         '"code":"token_not_valid","messages":[{"message":"Token is expired"}]}'),
        ("flask", "credentials-expired", 401, {}, '{"msg":"Token has expired"}'),
        ("gorilla-csrf", "csrf-failed", 403, {}, "Forbidden - CSRF token invalid\n"),
        ("quarkus", "credentials-missing", 401, {BEARER: 'basic realm="Quarkus"', "content-length": "0"}, ""),
        ("akka-http", "credentials-missing", 401, {}, "The resource requires authentication, which was not supplied "
         "with the request"),
        ("echo", "credentials-missing", 401, {}, '{"message":"missing or malformed jwt"}\n'),
        ("phoenix", "insufficient-scope", 403, {}, '{"errors":{"detail":"Forbidden"}}'),
        ("codeigniter", "csrf-failed", 403, {}, "<p>The action you have requested is not allowed.</p>"),
        ("okta", "insufficient-scope", 403, {}, '{"errorCode":"E0000006","errorSummary":"You do not have permission"}'),
        ("entra-id", "account-restricted", 401, {}, '{"error":"invalid_grant","error_description":"AADSTS53003: x"}'),
        ("azure-devops", "insufficient-scope", 403, {}, '{"message":"TF400813: The user is not authorized"}'),
        ("azure-cosmos-db", "ip-denied", 403, {}, '{"code":"Forbidden","message":"IP 203.0.113.4.'
         ' This is blocked by your Cosmos DB account firewall settings."}'),
        ("aws-appsync", "credentials-expired", 401, {}, '{"errors":[{"errorType":"UnauthorizedException","message":'
         '"Token has expired."}]}'),
        ("twilio", "credentials-invalid", 401, {}, '{"code":20003,"message":"Authenticate",'
         '"more_info":"https://www.twilio.com/docs/errors/20003","status":401}'),
        ("salesforce-api", "credentials-expired", 401, {}, '[{"message":"Session expired or invalid",'
         '"errorCode":"INVALID_SESSION_ID"}]'),
        ("meta-graph-api", "insufficient-scope", 403, {}, '{"error":{"message":"(#200) no","type":"OAuthException",'
         '"code":200,"fbtrace_id":"A"}}'),
        ("binance-api", "clock-skew", 401, {}, '{"code":-1021,"msg":"Timestamp is outside of the recvWindow."}'),
        ("argo-cd", "insufficient-scope", 403, {}, '{"error":"permission denied: applications, sync, web","code":7}'),
        ("kibana", "csrf-failed", 403, {"kbn-name": "k"}, '{"message":"Request must contain a kbn-xsrf header."}'),
        ("couchdb", "credentials-invalid", 401, {},
         '{"error":"unauthorized","reason":"Name or password is incorrect."}'),
        ("rabbitmq", "insufficient-scope", 401, {}, '{"error":"not_authorized","reason":"Not management user"}'),
        ("pfsense", "host-denied", 403, {}, "<p>Potential DNS Rebind attack detected, see rebinding</p>"),
        ("rubygems", "not-owner", 403, {}, "You do not have permission to push to this gem."),
        ("kong", "insufficient-scope", 403, {"X-Kong-Response-Latency": "3"},
         '{"message":"You cannot consume this service"}'),
        ("tyk", "path-denied", 403, {}, '{\n    "error": "Requested endpoint is forbidden"\n}'),
        ("wso2-apim", "rate-limited", 429, {}, '{"code":"900802","message":"Message throttled out"}'),
        ("wso2-apim", "insufficient-scope", 403, {}, '{"fault":{"code":900910,"message":"x"}}'),
        ("f5-apm", "credentials-invalid", 403, {}, "Forbidden by f5 APM (login denied)<br/>session reference: 25cb"),
        ("cilium", "resource-policy", 403, {"Server": "envoy", "Content-Length": "15"}, "Access denied\r\n"),
        ("envoy", "rate-limited", 429, {"Server": "envoy", "X-Envoy-Ratelimited": "true"}, ""),
        ("envoy", "credentials-missing", 401, {}, "User authentication failed. Missing username and password."),
        ("ibm-datapower", "rate-limited", 429, {}, '{"httpCode":"429","httpMessage":"Too Many Requests"}'),
        ("minio", "resource-policy", 403, {"Server": "MinIO"}, "<?xml version='1.0'?><Error><Code>AccessDenied</Code>"
         "<Message>Access Denied.</Message><RequestId>17F0A8B1C2D3E4F5</RequestId></Error>"),
        ("ms-graph", "insufficient-scope", 403, {}, '{"error":{"code":"accessDenied","message":"Access denied",'
         '"innerError":{"request-id":"e3a1"}}}'),
        ("google-iap", "credentials-invalid", 401, {"X-Goog-Iap-Generated-Response": "true"},
         "Invalid IAP credentials: Invalid JWT audience"),
        ("configserver", "ip-denied", 403, {}, "<h1>Your connection to this server has been blocked in this server's"
         " firewall.</h1>"),
        ("netskope", "destination-denied", 403, {}, '<img src="https://block.eu.goskope.com/logo.png"> Blocked'),
        ("aws-api-gateway", "insufficient-scope", 403, {}, '{"Message":"User is not authorized to access this resource'
         ' with an explicit deny"}'),
        ("aws-lambda-url", "resource-policy", 403, {"x-amzn-ErrorType": "AccessDeniedException"},
         '{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: the guide"}'),
        ("apache", "directory-index", 403, {"Server": "Apache", "Vary": "accept-language,accept-charset"},
         "<title>Zugriff verweigert!</title><p>Entweder ist kein Index-Dokument vorhanden oder das Verzeichnis"),
        ("iis", "directory-index", 403, {}, "<title>Erreur détaillée IIS 8.5 - 403.14 - Forbidden</title>"),
        ("iis", "client-cert-missing", 403, {}, "<title>IIS 10.0 详细错误 - 403.7 - Forbidden</title>"),
        ("plesk", "path-denied", 403, {"Server": "nginx"}, '<link href="/error_docs/styles.css"/><h2>Forbidden</h2>'
         "<p>You do not have permission to access this document.</p>"),
        ("ceph-rgw", "resource-policy", 403, {"x-amz-request-id": "tx000000000000000000172-0060ddaac1-37c3-zone"},
         "<?xml version='1.0'?><Error><Code>AccessDenied</Code><BucketName>b</BucketName></Error>"),
        ("minio", "resource-policy", 403, {"x-amz-request-id": "1822C9C04DD03A2B", "x-amz-id-2": 32 * "d9"}, ""),
        ("storj", "resource-policy", 403, {"Server": "Storj", "x-amz-request-id": "1822C9C04DD03A2B"},
         "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>"),
        ("skipper", "credentials-missing", 401, {"Server": "Skipper", "WWW-Authenticate": 'Basic realm="x"'}, ""),
        ("github-codespaces", "credentials-missing", 401, {"WWW-Authenticate": "tunnel"}, ""),
        ("gitlab", "rate-limited", 429, {"RateLimit-Name": "throttle_unauthenticated_web"}, "Retry later\n"),
        ("auth0", "insufficient-scope", 403, {}, '{"message":"Insufficient scope, expected any of: read:users"}'),
        ("azure-key-vault", "ip-denied", 403, {}, '{"error":{"code":"Forbidden","message":"m","innererror":'
         '{"code":"ForbiddenByFirewall"}}}'),
        ("aws-service-api", "credentials-invalid", 403, {}, '{"__type":"UnrecognizedClientException","message":'
         '"The security token included in the request is invalid."}'),
        ("bluecoat-proxysg", "destination-denied", 403, {"Cache-Control": "no-cache", "Pragma": "no-cache",
         "Content-Type": "text/html; charset=utf-8", "Proxy-Connection": "close"}, "<title>Access Denied</title>"),
        ("akamai-bot-manager", "bot-challenge", 429, {}, '{"sec-cp-challenge": "true","provider":"crypto"}'),
        ("perimeterx", "bot-challenge", 403, {}, "<title>Access to this page has been denied.</title>"),
        ("wts-waf", "waf-rule", 403, {"Server": "wts/1.2"}, "<title>WTS-WAF拦截提示</title>"),
        ("express", "credentials-missing", 401, {"ETag": 'W/"18-XPDV80vbMk4yY1/PADG4jYM4rSI"'}, '{"error":"no"}'),
        ("spring-boot", "method-denied", 405, {}, '{"message":"Request method \'GET\' is not supported"}'),
        ("fortiweb", "waf-rule", 403, {}, "<title>Web Page Blocked!</title> Attack ID: 20000008 Message ID: 0012"),
        ("kong", "credentials-invalid", 401, {}, '{"message":"No mandatory \'iss\' in claims"}'),
        ("kong", "credentials-expired", 401, {}, '{"exp":"token expired"}'),
        ("garage", "credentials-invalid", 403, {}, "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>"
         "Forbidden: No such key: GK1</Message><Resource>/b/k</Resource><Region>garage</Region></Error>"),
        ("zyte-proxy", "rate-limited", 429, {"X-Crawlera-Error": "user_session_limit"}, ""),
        ("pihole", "destination-denied", 403, {"X-Pi-hole": "A black hole for Internet advertisements."}, ""),
        ("ngrok", "ip-denied", 403, {"Ngrok-Error-Code": "ERR_NGROK_3205"}, ""),
        ("litespeed", "bot-challenge", 403, {}, '<form action="/.lsrecap/recaptcha?/" method="post">'),
        ("google-cloud-endpoints", "plan-or-subscription", 403, {"X-Envoy-Decorator-Operation": "ingress Get"},
         '{"message":"PERMISSION_DENIED: API a.test is not enabled for the project.","code":403}'),
        ("one-api", "quota-exceeded", 403, {}, '{"error":{"message":"该令牌额度已用尽","type":"one_api_error"}}'),
        ("nestjs", "credentials-missing", 401, {}, '{"statusCode":401,"message":"Unauthorized"}'),
        ("azure-apim", "ip-denied", 403, {}, '{ "statusCode": 403, "message": "Caller IP address is blocked." }'),
        ("cdnetworks", "waf-rule", 403, {"Server": "waf/4.24.1-6.el6", "X-Via": "1.1 a104:6 (Cdn Cache Server V2.0)"},
         '<img src="https://blocksrc.haplat.net/waf_forbidden_file/waf-interTip.jpg"/>'),
        ("apisix", "path-denied", 403, {"Server": "APISIX/2.15.0"}, "<center><h1>403 Forbidden</h1></center>\r\n"
         "<hr><center>openresty</center>"),
        ("squid", "destination-denied", 403, {}, "<title>ERROR: The requested URL could not be retrieved</title>"),
        ("wordfence", "ip-denied", 403, {}, '<a href="https://www.wordfence.com/help/?query=locked-out">x</a>'
         " Generated by Wordfence"),
        ("redfish", "credentials-missing", 401, {}, '{"error":{"@Message.ExtendedInfo":[{"MessageId":'
         '"Base.1.1.NoValidSession"}],"code":"Base.1.1.GeneralError"}}'),
        ("apache", "path-denied", 403, {"Server": "cloudflare", "Content-Type": "text/html; charset=iso-8859-1",
         "CF-Cache-Status": "DYNAMIC"}, "<h1>Forbidden</h1>"),
        ("govway", "insufficient-scope", 403, {"Server": "GovWay", "GovWay-Transaction-ID": "57a7", BEARER: 'Bearer '
         'error="insufficient_scope", error_description="The request requires higher privileges than provided by the'
         ' access token", scope="x"'}, ""),
        ("envoy", "resource-policy", 403, {"Server": "istio-envoy", "Content-Type": TEXT, "Content-Length": "19",
         "X-Envoy-Upstream-Service-Time": "108"}, ""),
        ("wasabi", "insufficient-scope", 403, {"Server": "WasabiS3/7.20 (R401-U28)", "X-Amz-Request-Id": "5A967528CB:B",
         "X-Wasabi-Cm-Reference-Id": "17223 ConID:97/Core:29"}, '<?xml version="1.0"?><Error><Code>MissingRole</Code>'),
        ("aws-lambda-url", "resource-policy", 403, {"x-amzn-ErrorType": "AccessDeniedException"}, '{"Message":null}'),
        ("echo", "credentials-missing", 401, {"WWW-Authenticate": "basic realm=Restricted"}, '{"message":"no"}'),
        ("oracle-ords", "credentials-invalid", 401, {BEARER: 'Bearer realm="Oracle REST Data Services",'
         ' error="invalid_token"'}, ""),
        ("linkerd", "resource-policy", 403, {"l5d-proxy-error": "unauthorized request on route"}, ""),
        ("spring-cloud-gateway", "rate-limited", 429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Burst-Capacity": "1",
         "X-RateLimit-Requested-Tokens": "1", "content-length": "0"}, ""),
        ("opensearch", "insufficient-scope", 403, {}, '{"error":{"reason":"no permissions for [indices:data/read/get]'
         ' and User [name=a, backend_roles=[], requestedTenant=null]"},"status":403}'),
        ("reddit", "ip-denied", 403, {}, "whoa there, pardner! Your request has been blocked due to a network policy."),
        ("grafana", "credentials-missing", 401, {}, '{"extra":null,"message":"Unauthorized","messageId":'
         '"auth.unauthorized","statusCode":401,"traceID":""}'),
    ],
)  # fmt: skip
def test_a_product_is_known_by_its_own_refusal(product: str, cause: str, status: int, says: Fields, page: str) -> None:
    kind = JSON if page[:1] in ("{", "[") else HTML if page[:1] == "<" else TEXT
    asks = {"Authorization": "Bearer x"} if cause in ("credentials-invalid", "credentials-expired") else {}
    (verdict,) = verdicts(exchange("e1", status=status, says={"Content-Type": kind, **says}, asks=asks, page=page))
    assert (verdict.product, str(verdict.cause)) == (product, cause)
