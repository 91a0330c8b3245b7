"""A trace as one self-contained page: the answer first, then its proof, then every exchange.

The page asks the network for nothing (`default-src 'none'`); its one style and one script are named by hash.
Markup is built from strings that went through `markup.text`; what the script shows comes from JSON and is set as
text, never as markup.
"""

from .report import write

__all__ = ["write"]
