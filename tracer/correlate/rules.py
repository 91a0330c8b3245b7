"""Every kind of evidence about a denial, and who looks for it."""

from __future__ import annotations

from . import (
    redirects,
    rules_baseline,
    rules_cause,
    rules_client,
    rules_contrast,
    rules_injected,
    rules_layer,
    rules_marks,
    rules_payload,
    rules_position,
    rules_role,
    rules_server,
    rules_shape,
    rules_signed,
    rules_timing,
    rules_tokens,
)

RULES = (
    ("marks", rules_marks.collect),
    ("standards", rules_layer.standard),
    ("page", rules_server.page),
    ("shape", rules_shape.collect),
    ("server", rules_server.named),
    ("alone", rules_server.alone),
    ("tunnel", rules_layer.tunnel),
    ("role", rules_role.collect),
    ("payload", rules_payload.collect),
    ("role", rules_role.tell),
    ("service", rules_layer.service),
    ("position", rules_position.collect),
    ("baseline", rules_baseline.collect),
    ("timing", rules_timing.collect),
    ("injected", rules_injected.collect),
    ("stated", rules_cause.collect),
    ("client", rules_client.collect),
    ("tokens", rules_tokens.collect),
    ("signed", rules_signed.collect),
    ("contrast", rules_contrast.collect),
    ("redirects", redirects.collect),
)
"""in this order: later ones may look at what earlier ones found"""
