"""Numbers in each target's notation."""

from __future__ import annotations

import re
import struct

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scnnbio.backends.notation import BRIAN2, CPP, NESTML

FLOATS = st.floats(allow_nan=False, allow_infinity=False, min_value=0.0)


@settings(max_examples=500, deadline=None)
@given(FLOATS)
@example(1e-10)
@example(1e10)
@example(6.02e20)
@example(5e-324)
@example(1.7976931348623157e308)
def test_every_float_survives_every_notation(number: float) -> None:
    for notation in (NESTML, CPP, BRIAN2):
        written = notation.number(f"a*{number!r}", {"a": "a"})
        found = re.fullmatch(r"\(a \* (.+)\)", written)
        assert found is not None
        # Python's float is read as C++ reads a literal: to the nearest double.
        assert struct.pack("d", float(found[1])) == struct.pack("d", number)
