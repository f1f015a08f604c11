"""Augmentation: where pixels go, what is kept, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import shift

from scnnbio.encoding import LatencyCode
from scnnbio.errors import SpecError
from scnnbio.inputs import Augmentation, FromImages

CODE = LatencyCode(budget=9, window=5.0)


def given(images: np.ndarray, **labels: Any) -> FromImages:
    return FromImages(images, CODE, 10.0, labels)


class Fixed(np.random.Generator):
    """Draws the upper end of each range, and changes every image."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        return np.full(size, high)

    def random(self, size: Any = None, *_: Any, **__: Any) -> Any:
        return np.zeros(size)


def blob(n: int = 1) -> np.ndarray:
    """A smooth spot off the middle of 15 x 15 pixels."""
    row, column = np.mgrid[:15, :15]
    one = np.exp(-((row - 5.0) ** 2 + (column - 8.0) ** 2) / 2.0)
    return np.repeat(one[None], n, 0)


def centre(image: np.ndarray) -> np.ndarray:
    row, column = np.mgrid[:15, :15]
    return np.array([(image * row).sum(), (image * column).sum()]) / image.sum()


@pytest.mark.parametrize(
    ("ranges", "wanted"),
    [
        ({"shift": 1.5}, [6.5, 9.5]),
        # About (7, 7): (-2, 1) turned by 90 degrees, from the columns to the rows or back.
        ({"rotation": 90.0}, [6.0, 5.0]),
        ({"scale": 0.5}, [4.0, 8.5]),
    ],
)
def test_a_spot_goes_where_geometry_says(ranges: dict[str, float], wanted: list[float]) -> None:
    found = Augmentation(**ranges).of(given(blob()), Fixed()).values[0, 0]
    assert centre(found) == pytest.approx(wanted, abs=0.1)


def test_whole_pixels_move_bytes_without_any_change() -> None:
    """Against scipy's own shift; what leaves is lost, and what enters is black."""
    images = np.random.default_rng(1).integers(0, 256, (3, 6, 7)).astype(np.uint8)
    found = Augmentation(shift=2.0).of(given(images), Fixed()).values[:, 0]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, [shift(i, 2, order=0, cval=0) for i in images])


def test_channels_move_together_and_trials_keep_what_else_they_have() -> None:
    images = np.repeat(blob(20)[..., None], 2, -1)
    before = given(images, label=np.arange(20))
    after = Augmentation(2.0, "20 deg", 0.2).of(before, np.random.default_rng(3))
    np.testing.assert_array_equal(after.values[:, 0], after.values[:, 1])
    assert len({v.tobytes() for v in after.values}) == 20
    assert after.columns["label"].tolist() == list(range(20))
    assert (after.code, after.duration) == (before.code, before.duration)
    again = Augmentation(2.0, 20.0, 0.2).of(before, np.random.default_rng(3))
    assert after == again


def test_ranges_are_filled_and_only_a_share_of_the_images_changes() -> None:
    """Places of the spot over 1500 draws: uniform from end to end; 0.6 of them, by the binomial."""
    n = 1500
    found = Augmentation(shift=2.0, share=0.6).of(given(blob(n)), np.random.default_rng(5)).values
    moved = np.array([centre(v[0]) for v in found]) - centre(blob()[0])
    changed = np.abs(moved).max(1) > 1e-12
    assert changed.sum() == pytest.approx(0.6 * n, abs=4 * np.sqrt(0.24 * n))
    some = moved[changed]
    assert np.abs(some).max() == pytest.approx(2.0, abs=0.1)
    assert some.mean(0) == pytest.approx([0.0, 0.0], abs=4 * 2 / np.sqrt(3 * len(some)))
    assert some.std(0) == pytest.approx([2 / np.sqrt(3)] * 2, rel=0.1)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({}, "no image would change"),
        ({"shift": 1.0, "share": 0.0}, "no image would change"),
        ({"shift": -1.0}, r"augmentation\.shift: -1 is not a range from 0 up"),
        ({"rotation": float("nan")}, r"augmentation\.rotation"),
        ({"rotation": "1 mV"}, "voltage"),
        ({"scale": 1.0}, "would shrink to nothing"),
        ({"shift": 1.0, "share": 1.5}, "1.5 is above 1"),
    ],
)
def test_ranges_are_checked(ranges: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Augmentation(**ranges)
