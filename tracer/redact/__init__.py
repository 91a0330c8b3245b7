"""Secrets out of values: typed marks in their place, equal for equal secrets, that nobody can turn back."""

from .redactor import Redactor
from .view import Redacted

__all__ = ["Redacted", "Redactor"]
