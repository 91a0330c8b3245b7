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
    rules_signed,
    rules_timing,
    rules_tokens,
)

RULES = (
    *rules_layer.RULES,
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
