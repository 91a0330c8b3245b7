# mypy: ignore-errors
"""The shop's pages. Every refusal logs one line that says why."""

import logging

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from rest_framework.decorators import api_view, permission_classes, throttle_classes
from rest_framework.exceptions import PermissionDenied as ApiDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle

log = logging.getLogger("django.shop")


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<h1>Shop</h1>")


def checkout(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ordered")


def order(request: HttpRequest, number: int) -> HttpResponse:
    log.warning("order %d belongs to bob, asked by alice", number)
    raise PermissionDenied


def staff(request: HttpRequest) -> HttpResponse:
    log.warning("alice is not in group staff")
    return HttpResponse("<h1>403 Forbidden</h1><p>Staff only. Your role: customer.</p>", status=403)


def suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("tampered cart")


def closed(request: HttpRequest) -> HttpResponse:
    log.warning("shop is in maintenance mode")
    body = "<h1>Maintenance</h1><p>The shop is closed for maintenance. Please come back at 18:00.</p>"
    return HttpResponse(body, status=403)


@api_view(["GET"])
@permission_classes([IsAuthenticated])
def profile(request: Request) -> Response:
    return Response({"name": "alice"})


@api_view(["GET"])
@permission_classes([])
def invoices(request: Request) -> Response:
    log.warning("invoices: not the owner")
    raise ApiDenied


class Once(SimpleRateThrottle):
    scope = "once"
    rate = "1/min"

    def get_cache_key(self, request: Request, view: object) -> str:
        return "once"


@api_view(["GET"])
@permission_classes([])
@throttle_classes([Once])
def search(request: Request) -> Response:
    return Response({"found": []})


def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ok": True})


urlpatterns = [
    path("", home),
    path("checkout/", checkout),
    path("orders/<int:number>/", order),
    path("staff/", staff),
    path("cart/", suspicious),
    path("closed/", closed),
    path("api/profile/", profile),
    path("api/invoices/", invoices),
    path("api/search/", search),
    path("health/", health),
]
