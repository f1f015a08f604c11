"""Values pickle, copy, compare and hash by content; the digest is that of one written form."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import pickle
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from scnnbio.recording import Recording, Spikes
from scnnbio.values import FrozenTable, Value, canonical, digest_of, same

NUMBERS = st_numpy.arrays(np.float64, st_numpy.array_shapes(max_dims=2, max_side=3))
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | NUMBERS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@dataclass(frozen=True, eq=False)
class Layer(Value):
    name: str
    weights: np.ndarray
    options: FrozenTable[str, float] = dataclasses.field(default_factory=FrozenTable)


def layer(**changes: Any) -> Layer:
    given = {"name": "v1", "weights": np.array([1.0, 2.0]), "options": FrozenTable({"a": 1.0})}
    return Layer(**(given | changes))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (np.array([1, 2]), np.array([1.0, 2.0])),
        (np.array(["a", "b"]), np.array(["a", "b"], dtype="<U9")),
        ([{"a": np.array([np.nan])}], [{"a": np.array([np.nan], dtype="f4")}]),
    ],
)
def test_kinds_count_unless_values_alone_are_asked_for(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert same(one, other, kinds=False)


@pytest.mark.parametrize("kinds", [True, False])
@pytest.mark.parametrize(
    ("one", "other"),
    [(np.zeros(2), np.zeros((2, 1))), ([1], [1, 1]), ({"a": 1}, {"b": 1}), (np.ones(1), [1.0])],
)
def test_other_shapes_are_not_the_same(one: Any, other: Any, kinds: bool) -> None:
    assert not same(one, other, kinds=kinds)


@given(TREES)
def test_a_copy_is_equal_and_has_the_same_digest(tree: Any) -> None:
    for again in (copy.deepcopy(tree), pickle.loads(pickle.dumps(tree))):
        assert same(canonical(tree), canonical(again))
        assert digest_of(tree) == digest_of(again)


@given(TREES, TREES)
def test_equal_values_have_equal_digests_and_others_have_others(one: Any, other: Any) -> None:
    # SHA-256 has no collisions that a test would find: the two answers must agree.
    assert same(canonical(one), canonical(other)) == (digest_of(one) == digest_of(other))


def test_the_digest_is_of_the_form_that_is_written_here() -> None:
    # By hand, from the rules in scnnbio/values.py and hashlib alone.
    array = b"a<f8(2,);" + struct.pack("<2d", 1.0, 2.0)
    table = b"t1;" + b"s1;a" + b"f" + struct.pack("<d", 1.0)
    cls = f"{__name__}.Layer".encode()
    fields = {
        b"class": b"s%d;%s" % (len(cls), cls),
        b"name": b"s2;v1",
        b"options": table,
        b"weights": array,
    }
    body = b"".join(b"s%d;%s" % (len(name), name) + content for name, content in fields.items())
    table_class = b"s5;class" + b"s11;FrozenTable"
    assert table_class not in body  # every frozen table has the same form, whatever its class
    assert layer().digest() == hashlib.sha256(b"scnnbio 1\nt4;" + body).hexdigest()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "v2"},
        {"weights": np.array([1.0, 3.0])},
        {"weights": np.array([[1.0, 2.0]])},
        {"weights": np.array([1, 2])},
        {"options": FrozenTable({"a": 2.0})},
        {"options": FrozenTable({"b": 1.0})},
    ],
    ids=repr,
)
def test_whatever_differs_makes_another_value(changes: dict[str, Any]) -> None:
    assert layer() != layer(**changes)
    assert layer().digest() != layer(**changes).digest()
    assert layer() == layer()
    assert hash(layer()) == hash(layer())
    assert len({layer(), layer(), layer(**changes)}) == 2


def test_minus_zero_and_nan_are_equal_to_themselves() -> None:
    odd = np.array([np.nan, -0.0])
    assert layer(weights=odd) == layer(weights=np.array([np.nan, 0.0]))
    assert digest_of(odd) == digest_of(np.array([np.nan, 0.0]))
    assert layer(options=FrozenTable({"a": float("nan")})) == layer(
        options=FrozenTable({"a": float("nan")})
    )


def test_numbers_and_texts_of_other_classes_are_plain_ones() -> None:
    class Marked(str):
        __slots__ = ()

    for odd, plain in ((np.float64(0.1), 0.1), (np.int64(3), 3), (Marked("a"), "a")):
        one, other = (
            layer(options=FrozenTable({"a": odd})),
            layer(options=FrozenTable({"a": plain})),
        )
        assert one == other
        assert one.digest() == other.digest()
        assert type(canonical(odd)) is type(plain)


def test_classes_of_one_shape_are_told_apart() -> None:
    @dataclass(frozen=True, eq=False)
    class Other(Value):
        name: str
        weights: np.ndarray
        options: FrozenTable[str, float] = dataclasses.field(default_factory=FrozenTable)

    other = Other("v1", np.array([1.0, 2.0]), FrozenTable({"a": 1.0}))
    assert other != layer()
    assert other.digest() != layer().digest()


def test_arrays_of_a_copy_cannot_be_written() -> None:
    made = Spikes(time=[2.0, 1.0], unit=[0, 1], trial=[0, 0])
    recording = Recording({"v1": made}, {}, {"duration": [10.0]})
    for again in (pickle.loads(pickle.dumps(recording)), copy.deepcopy(recording)):
        assert again == recording
        with pytest.raises(ValueError, match="read-only"):
            again.spikes["v1"].time[0] = 5.0


def test_a_frozen_table_is_one() -> None:
    table = FrozenTable({"a": 1.0, "b": np.arange(2.0)})
    with pytest.raises(TypeError):
        table["a"] = 2.0  # type: ignore[index]
    with pytest.raises(AttributeError):
        table.other = 1  # type: ignore[attr-defined]
    assert table == {"b": np.arange(2.0), "a": 1.0}
    assert {**table, "a": 3.0}["a"] == 3.0


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no canonical form"):
        digest_of([object()])
    with pytest.raises(TypeError, match="canonical form"):
        digest_of(np.array([object()]))


def test_an_exact_digest_tells_zeros_apart() -> None:
    """Zeros of both signs are equal, as Python says, and only an exact digest tells them apart."""
    from scnnbio.values import digest_of

    for one, other in ((0.0, -0.0), (np.zeros(2), -np.zeros(2))):
        assert digest_of(one) == digest_of(other)
        assert digest_of(one, exact=True) != digest_of(other, exact=True)
        assert digest_of(one, exact=True) == digest_of(one)
