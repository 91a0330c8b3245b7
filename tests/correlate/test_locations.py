"""References resolved as the library does, only faster where they are plain."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.correlate.locations import joined

PIECES = (
    "http://", "https://", "HTTP://", "www.test", "h:80", "u:p@", "[::1]", "/", "//", ".", "..", "/a", "/b.c", "/.well",
    "?", "q=1", "&r=2", "#f", ";p", "%20", " ", "\t", "é", "\\", "*",
)  # fmt: skip
BASES = ("http://www.test/a/b?c#d", "https://www.test", "http://h:8080?x", "/no/host", "")
references = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)


@given(st.sampled_from(BASES) | references, references)
def test_a_reference_is_resolved_as_the_library_resolves_it(base: str, to: str) -> None:
    try:
        expected = urljoin(base, to)
    except ValueError:
        with pytest.raises(ValueError, match=""):
            joined(base, to)
    else:
        assert joined(base, to) == expected


@pytest.mark.parametrize("to", ["/" + "a" * 4000 + ";", "/" + "a/" * 4000 + ";", "/a?" + "b" * 4000 + " "])
def test_a_long_reference_that_is_not_plain_is_told_at_once(to: str) -> None:
    assert joined("http://www.test/", to) == urljoin("http://www.test/", to)
