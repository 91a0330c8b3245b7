"""mitmproxy's filter language over exchanges, with terms for the verdict: `parse(text)` gives a `Filter`."""

from .syntax import Filter, FilterError, parse

__all__ = ["Filter", "FilterError", "parse"]
