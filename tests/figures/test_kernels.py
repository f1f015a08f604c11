"""Kernels as images: what the pixels hold is read back from the image."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PatchCollection
from matplotlib.contour import ContourSet
from matplotlib.image import AxesImage

from scnnbio.analysis.receptive_fields import measure_kernels
from scnnbio.errors import SpecError
from scnnbio.figures.kernels import kernel_grid


def tiles(figure) -> np.ndarray:
    """The mosaic, NaN between the kernels."""
    (image,) = [a for a in figure.axes[0].get_children() if isinstance(a, AxesImage)]
    return np.ma.filled(image.get_array().astype(float), np.nan)


def split(mosaic: np.ndarray, size: int) -> list[np.ndarray]:
    """Kernels of a mosaic, found by the NaN about them, row after row."""
    known = ~np.isnan(mosaic)
    rows = [r for r in range(len(mosaic)) if known[r].any() and (r == 0 or not known[r - 1].any())]
    found = []
    for top in rows:
        line = known[top]
        starts = [c for c in range(len(line)) if line[c] and (c == 0 or not line[c - 1])]
        found += [mosaic[top : top + size, left : left + size] for left in starts]
    return found


def expected(kernel: np.ndarray) -> list[np.ndarray]:
    """ON - OFF, divided by its largest size: the definition."""
    images = kernel[:, 0] - kernel[:, 1]
    return [image / (np.abs(image).max() or 1.0) for image in images]


def test_images_are_on_minus_off_over_their_largest(synthetic):
    kernel = synthetic.kernel()
    found = split(tiles(kernel_grid(kernel)), synthetic.SIZE)
    assert len(found) == len(kernel)
    for image, wanted in zip(found, expected(kernel), strict=True):
        np.testing.assert_allclose(image, wanted)


@pytest.mark.parametrize("order", ["r_squared", "spatial_frequency"])
def test_sorted_by_a_measure_with_empty_kernels_last(synthetic, measures, order):
    kernel = synthetic.kernel()
    values = measures.columns()[order]
    sign = -1 if order == "r_squared" else 1
    rank = sorted(range(8), key=lambda k: (np.isnan(values[k]), sign * np.nan_to_num(values[k])))
    found = split(tiles(kernel_grid(kernel, measures, order=order)), synthetic.SIZE)
    for image, row in zip(found, rank, strict=True):
        np.testing.assert_allclose(image, expected(kernel)[row])


def test_excluded_fits_carry_a_cross(synthetic, measures):
    figure = kernel_grid(synthetic.kernel(), measures)
    (crosses,) = [line for line in figure.axes[0].lines if line.get_gid() == "excluded"]
    # The kernel of noise and the one of zeros, of eight (see synthetic.kernel).
    assert len(crosses.get_xdata()) == 2
    assert "R² ≤ 0.7 (n = 2)" in figure.legends[0].get_texts()[-1].get_text()


def test_fit_beside_is_the_gabor_function(synthetic, measures):
    kernel = synthetic.kernel()
    figure = kernel_grid(kernel, measures, fits="beside", order="orientation")
    found = split(tiles(figure), synthetic.SIZE)
    assert len(found) == 2 * len(kernel)
    best = int(np.argmin(np.where(measures.r_squared > 0.99, measures.orientation, np.inf)))
    image = measures.fit(best).image((synthetic.SIZE, synthetic.SIZE))
    fit = image / np.abs(image).max()
    assert min(np.abs(fit - other).max() for other in found[1::2]) < 1e-12


def test_limits_are_symmetric_and_scale_is_named(synthetic):
    figure = kernel_grid(synthetic.kernel())
    assert figure.axes[0].images[0].get_clim() == (-1.0, 1.0)
    assert "ON − OFF" in figure.axes[1].get_ylabel()


@pytest.mark.parametrize("maps", [1, 8, 32, 64, 144])
def test_any_number_of_maps_has_its_place(maps):
    kernel = np.random.default_rng(0).normal(size=(maps, 1, 5, 7))
    mosaic = tiles(kernel_grid(kernel))
    assert (~np.isnan(mosaic)).sum() == maps * 35
    figure = kernel_grid(kernel)
    assert figure.get_size_inches()[0] == pytest.approx(180 / 25.4)


def test_wrong_input_is_refused(synthetic, measures):
    with pytest.raises(SpecError, match="shape"):
        kernel_grid(np.zeros((3, 5, 5)))
    with pytest.raises(SpecError, match="8 measures for 3 kernels"):
        kernel_grid(np.zeros((3, 2, 5, 5)), measures)
    with pytest.raises(SpecError, match="sorted by 'size'"):
        kernel_grid(synthetic.kernel(), measures, order="size")


#: Share of its Gabor function that a kernel shows at each of three lags: the best is another.
COURSE = np.array([[0.2, 1.0, -0.5], [0.9, -0.3, 0.1], [0.0, 0.4, -0.8]])[np.arange(8) % 3]


def test_lags_stand_side_by_side_in_one_scale(synthetic, measures):
    flat = synthetic.kernel()
    kernel = flat[..., None] * COURSE[:, None, None, None, :]
    found = split(tiles(kernel_grid(kernel)), synthetic.SIZE)
    wanted = [image * share for image, row in zip(expected(flat), COURSE, strict=True)
              for share in row / np.abs(row).max()]  # fmt: skip
    assert len(found) == 3 * len(flat)
    for image, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(image, theirs, atol=1e-12)


def test_the_fit_lies_upon_the_lag_that_was_measured(synthetic):
    kernel = synthetic.kernel()[:6, ..., None] * COURSE[:6, None, None, None, :]
    best = np.abs(COURSE[:6]).argmax(axis=1)
    measured = measure_kernels(kernel)
    alone = measure_kernels(kernel[np.arange(6), ..., best])
    np.testing.assert_array_equal(measured.r_squared, alone.r_squared)
    figure = kernel_grid(kernel, measured, order="orientation")
    rank = np.argsort(measured.orientation, kind="stable")
    lines = [c for c in figure.axes[0].collections if isinstance(c, ContourSet)]
    points = np.concatenate([s for c in lines for p in c.get_paths() for s in p.to_polygons()])
    mosaic = tiles(figure)
    known = np.flatnonzero(~np.isnan(mosaic[0]))
    starts = known[np.diff(known, prepend=-2) > 1]
    for place, row in enumerate(rank):
        left = starts[3 * (place % (len(starts) // 3)) + best[row]] - 0.5
        top = place // (len(starts) // 3) * (synthetic.SIZE + 1) - 0.5
        x, y = points.T
        here = (x >= left) & (x <= left + synthetic.SIZE) & (y >= top) & (y < top + synthetic.SIZE)
        assert here.sum() > 10
        points = points[~here]
    assert not len(points)


def test_lags_take_no_image_beside(synthetic, measures):
    with pytest.raises(SpecError, match="take 'outline' or 'none'"):
        kernel_grid(np.ones((8, 2, 9, 9, 3)), measures, fits="beside")


@pytest.mark.parametrize("maps", [1, 7, 24])
def test_every_frame_is_whole_and_a_bar_gives_the_scale(maps):
    kernel = np.random.default_rng(0).random((maps, 2, 9, 9))
    axes = kernel_grid(kernel).axes[0]
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    frames, *_ = (c for c in axes.collections if isinstance(c, PatchCollection))
    corners = np.concatenate([path.vertices for path in frames.get_paths()])
    assert left < corners[:, 0].min() < corners[:, 0].max() < right
    assert top < corners[:, 1].min() < corners[:, 1].max() < bottom
    (bar,) = (line for line in axes.lines if len(line.get_xdata()) == 2)
    assert np.ptp(bar.get_xdata()) == 5
    assert [text.get_text() for text in axes.texts] == ["5 pixels"]
    # Below the last row.
    assert corners[:, 1].max() < bar.get_ydata()[0] < bottom
