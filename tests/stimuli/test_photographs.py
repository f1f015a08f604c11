"""Photographs against pictures whose every sample is known in closed form."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from scnnbio.errors import DataError, SpecError
from scnnbio.stimuli import Files, Photographs, photographs
from scnnbio.stimuli.photographs import NOISE_CONTRAST, sample_patch
from scnnbio.stimuli.pictures import BUNDLED, Library, load_photographs


def save(file, pixels):
    Image.fromarray(pixels).save(file)


@pytest.fixture
def folder(tmp_path):
    """A folder with one ramp, brighter to the right by 100/65535 a pixel, dark at its border."""
    ramp = np.tile(np.arange(120) * 100 + 5000, (100, 1)).astype(np.uint16)
    save(tmp_path / "ramp.png", ramp)
    return tmp_path


@settings(max_examples=60, deadline=None)
@given(
    angle=st.floats(0, 360),
    zoom=st.floats(1, 4),
    row=st.floats(20, 40),
    column=st.floats(20, 40),
    slope=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
)
def test_a_plane_is_sampled_exactly(angle, zoom, row, column, slope):
    # Bilinear interpolation reproduces a plane; turned, its gradient turns with the picture.
    down, right = slope
    r, c = np.mgrid[:61, :61]
    patch = sample_patch(down * r + right * c, (9, 12), (row, column), angle, zoom)
    gradient = complex(right, -down) / zoom * np.exp(1j * math.radians(angle))  # x + i y, y up
    y, x = -(np.arange(9) - 4.0)[:, None], np.arange(12) - 5.5
    expected = down * row + right * column + gradient.real * x + gradient.imag * y
    np.testing.assert_allclose(patch, expected, atol=1e-9)


@pytest.mark.parametrize("quarter", range(4))
def test_quarter_turns_go_counter_clockwise(quarter):
    image = np.random.default_rng(0).random((9, 9))
    patch = sample_patch(image, (9, 9), (4.0, 4.0), 90.0 * quarter, 1.0)
    np.testing.assert_allclose(patch, np.rot90(image, quarter), atol=1e-9)


def test_unturned_patches_are_cut_outs(folder):
    # A ramp in contrast units rises by 100 / mean a pixel; the mean of it is 5000 + 5950.
    stimulus = Photographs(str(folder), rotate=False)
    for trial in range(20):
        (patch,) = stimulus.frames(trial, (100, 30), np.random.default_rng(trial))
        np.testing.assert_allclose(np.diff(patch, axis=1), 100 / 10950, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), zoom=st.floats(1, 3))
def test_patches_lie_inside_and_turn(seed, zoom):
    # On a plane the interpolated gradient is exact, unless a sample fell outside and was clamped.
    image = np.tile(np.arange(60.0), (50, 1))
    units = image / image.mean() - 1
    library = Library(("ramp",), (units,), np.ones(1), (float(units.std()),), Files())
    with pytest.MonkeyPatch.context() as patcher:
        patcher.setattr("scnnbio.stimuli.photographs.load_photographs", lambda *_: library)
        stimulus = Photographs("somewhere", zoom=(zoom, zoom))
        (patch,) = stimulus.frames(0, (25, 31), np.random.default_rng(seed))
    steps = np.hypot(np.diff(patch, axis=0)[:, :-1], np.diff(patch, axis=1)[:-1])
    np.testing.assert_allclose(steps, 1 / 29.5 / zoom, rtol=1e-6)


def test_angles_and_zooms_cover_their_range(folder):
    stimulus = Photographs(str(folder), zoom=(1.0, 2.0))
    gradient = []
    for trial in range(400):
        (patch,) = stimulus.frames(trial, (5, 5), np.random.default_rng((7, trial)))
        gradient.append(complex(patch[0, 1] - patch[0, 0], patch[0, 0] - patch[1, 0]))
    gradient = np.array(gradient) * 10950 / 100
    # Uniform angles: the mean direction of n has a length of order 1 / sqrt(n).
    for harmonic in (1, 2, 4):
        mean = np.mean((gradient / np.abs(gradient)) ** harmonic)
        assert abs(mean) < 4 / np.sqrt(400)
    zoom = 1 / np.abs(gradient)
    assert zoom.min() >= 1 - 1e-9
    assert zoom.max() <= 2 + 1e-9
    assert abs(zoom.mean() - 1.5) < 4 * math.sqrt(1 / 12 / 400)


def test_photographs_are_chosen_by_area(tmp_path):
    # Two ramps of 40x40 and 40x120, which differ in their direction: chances 1/4 and 3/4.
    save(tmp_path / "a.png", np.tile(np.arange(40, dtype=np.uint8)[:, None], 40))
    save(tmp_path / "b.png", np.tile(np.arange(120, dtype=np.uint8), (40, 1)))
    stimulus = Photographs(str(tmp_path), rotate=False)
    wide = []
    for trial in range(1000):
        (patch,) = stimulus.frames(trial, (3, 3), np.random.default_rng((1, trial)))
        wide.append(np.ptp(patch, axis=1).max() > 1e-9)
    assert abs(np.mean(wide) - 0.75) < 4 * math.sqrt(0.75 * 0.25 / 1000)


def test_bundled_photographs_in_contrast_units():
    library = load_photographs("bundled")
    assert len(library.images) == len(BUNDLED) == 7
    for image in library.images:
        assert min(image.shape) >= 300
        assert abs(image.mean()) < 1e-12
        assert image.min() >= -1.0  # black
        assert not image.flags.writeable
    # What the control's contrast was set to.
    assert np.isclose(np.median(library.contrasts), NOISE_CONTRAST, atol=0.01)


def test_bundled_photographs_are_those_of_the_libraries_that_bring_them():
    import skimage.data
    from sklearn.datasets import load_sample_image

    library = load_photographs("bundled")
    for name, image in zip(BUNDLED, library.images, strict=True):
        in_sklearn = name in ("china", "flower")
        found = load_sample_image(f"{name}.jpg") if in_sklearn else getattr(skimage.data, name)()
        grey = found @ [0.2125, 0.7154, 0.0721] if found.ndim == 3 else found.astype(float)
        assert np.allclose(image, grey / grey.mean() - 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("reduce", [1, 2])
def test_control_is_white_and_gaussian(reduce):
    # Unturned at zoom 1, a patch is the picture moved by a fraction of a pixel (f, g), uniform:
    # a sample has ((1-f)² + f²)((1-g)² + g²) of a pixel's variance, (2/3)² of it in the mean, and
    # shares no pixel with the sample two further on.
    stimulus = Photographs("white-noise", rotate=False, reduce=reduce, n_trials=2000)
    patches = [stimulus.frames(k, (16, 16), np.random.default_rng([3, k]))[0] for k in range(2000)]
    patches = np.array(patches) / (NOISE_CONTRAST / reduce)
    variance = patches.var(axis=(1, 2))
    assert abs(variance.mean() - 4 / 9) < 4 * variance.std() / math.sqrt(2000)
    for one, other in (
        (patches[:, 2:], patches[:, :-2]),
        (patches[..., 2:], patches[..., :-2]),
        (patches[1:], patches[:-1]),
    ):
        products = (one * other).mean(axis=(1, 2))
        assert abs(products.mean()) < 4 * products.std() / math.sqrt(len(products))
    # Samples of one patch at the same fraction are Gaussian: fourth moment 3 of their variance.
    fourth = ((patches / np.sqrt(variance)[:, None, None]) ** 4).mean(axis=(1, 2))
    assert abs(fourth.mean() - 3) < 0.1


@pytest.mark.parametrize("rotate", [True, False])
@pytest.mark.parametrize("zoom", [1.0, 1.25, 3.0])
def test_a_patch_of_the_control_lies_inside_its_picture(rotate, zoom, monkeypatch):
    taken = []
    monkeypatch.setattr(
        "scnnbio.stimuli.photographs.sample_patch",
        lambda image, shape, *where: taken.append((image, *where)) or np.zeros(shape),
    )
    stimulus = Photographs("white-noise", rotate=rotate, zoom=(zoom, zoom), n_trials=300)
    for trial in range(300):
        stimulus.frames(trial, (7, 11), np.random.default_rng([1, trial]))
    for image, (row, column), angle, _ in taken:
        # A corner of 7 x 11 samples, turned and made smaller.
        for corner in (complex(x, y) for x in (-5, 5) for y in (-3, 3)):
            turned = corner / zoom * np.exp(1j * math.radians(angle))
            assert 0 <= row + turned.imag <= image.shape[0] - 1
            assert 0 <= column + turned.real <= image.shape[1] - 1
    assert len({image.shape for image, *_ in taken}) == 1


def test_no_two_seeds_of_the_control_show_the_same_picture(monkeypatch):
    # What the pictures are made of, not only where they are cut: every pixel that is sampled.
    seen = []

    def sampled(image, *_):
        seen.append(image)
        return np.zeros((4, 4))

    monkeypatch.setattr("scnnbio.stimuli.photographs.sample_patch", sampled)
    stimulus = Photographs("white-noise")
    for seed, trial in ((1, 0), (1, 0), (1, 1), (2, 0)):
        stimulus.frames(trial, (4, 4), np.random.default_rng([seed, trial]))
    first, again, *others = (set(image.ravel()) for image in seen)
    assert first == again
    for other in others:
        assert not first & other


def test_reduce_averages_blocks(tmp_path):
    pixels = np.random.default_rng(0).integers(1, 255, (7, 9), dtype=np.uint8)
    save(tmp_path / "a.png", pixels)
    image = load_photographs(str(tmp_path), 2).images[0]
    blocks = np.array(
        [[pixels[r : r + 2, c : c + 2].mean() for c in (0, 2, 4, 6)] for r in (0, 2, 4)]
    )
    np.testing.assert_allclose(image, blocks / blocks.mean() - 1)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "JPG", "jpeg"])
def test_colour_becomes_luminance(tmp_path, suffix):
    # ITU-R BT.709 weights of a red and a blue half.
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, :16, 0] = 200
    pixels[:, 16:, 2] = 200
    save(tmp_path / f"a.{suffix}", pixels)
    image = load_photographs(str(tmp_path)).images[0]
    ratio = (1 + image[:, :8].mean()) / (1 + image[:, 24:].mean())
    assert np.isclose(ratio, 0.2125 / 0.0721, rtol=0.1 if "J" in suffix.upper() else 1e-6)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "CMYK", "I", "F"])
def test_every_kind_of_pixel_is_read(tmp_path, mode):
    # Black and white survive each of these formats unharmed: 1 + contrast is 0 or 255 / mean.
    pixels = np.where(np.random.default_rng(0).random((8, 8)) < 0.5, 0, 255).astype(np.uint8)
    grey = Image.fromarray(pixels)
    picture = grey.convert("RGB").convert("CMYK") if mode == "CMYK" else grey.convert(mode)
    picture.save(tmp_path / "a.tif")
    image = load_photographs(str(tmp_path)).images[0]
    np.testing.assert_allclose(image, pixels / pixels.mean() - 1, atol=1e-9)


def test_low_contrast_is_drawn_again(tmp_path):
    # A picture with texture in its right quarter only: patches elsewhere have no contrast at all.
    pixels = np.full((60, 240), 100, np.uint8)
    pixels[:, 180:] = np.random.default_rng(0).integers(0, 255, (60, 60))
    save(tmp_path / "a.png", pixels)

    def flat(min_contrast):
        stimulus = Photographs(str(tmp_path), min_contrast=min_contrast)
        drawn = (stimulus.frames(k, (9, 9), np.random.default_rng(k)) for k in range(60))
        return sum(patch.std() < 1e-9 for patch in drawn)

    assert flat(0.0) > 20
    assert flat(0.2) == 0


def test_the_best_stands_where_all_are_refused(tmp_path):
    # A checkerboard of large fields: single pixels have no contrast, however often drawn.
    pixels = np.full((20, 20), 50, np.uint8)
    pixels[:, 10:] = 100
    save(tmp_path / "a.png", pixels)
    stimulus = Photographs(str(tmp_path), min_contrast=0.5)
    assert stimulus.frames(0, (1, 1), np.random.default_rng(0)).shape == (1, 1, 1)


def test_a_missing_folder(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        Photographs(str(tmp_path / "nowhere")).frames(0, (4, 4), np.random.default_rng(0))


def test_a_folder_without_photographs(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / "album.png").mkdir()
    with pytest.raises(DataError, match="holds no photographs"):
        load_photographs(str(tmp_path))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
@pytest.mark.parametrize("damage", ["empty", "text", "cut"])
def test_a_damaged_file_is_named(tmp_path, suffix, damage):
    file = tmp_path / f"broken.{suffix}"
    if damage == "cut":
        pixels = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
        save(file, pixels)
        file.write_bytes(file.read_bytes()[:300])
    else:
        file.write_bytes(b"" if damage == "empty" else b"this is no picture" * 9)
    with pytest.raises(DataError, match=rf"broken\.{suffix}: ") as caught:
        load_photographs(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("grey", [0, 77])
def test_a_uniform_picture_is_named(tmp_path, grey):
    save(tmp_path / "flat.png", np.full((9, 9), grey, np.uint8))
    with pytest.raises(DataError, match=r"flat\.png: the picture is black"):
        load_photographs(str(tmp_path))


def test_a_stack_of_pictures_is_refused(tmp_path):
    stack = np.random.default_rng(0).integers(0, 255, (6, 9, 9), dtype=np.uint8)
    first, *others = (Image.fromarray(pixels) for pixels in stack)
    first.save(tmp_path / "stack.tif", save_all=True, append_images=others)
    with pytest.raises(DataError, match=r"stack\.tif: the file holds several"):
        load_photographs(str(tmp_path))


@pytest.mark.parametrize(
    ("shape", "parameters", "fits"),
    [
        ((71, 71), {}, True),  # diagonal 70 sqrt(2) = 99.0, of 100 rows
        ((72, 72), {}, False),
        ((72, 72), {"zoom": (2.0, 3.0)}, True),
        ((100, 120), {"rotate": False}, True),
        ((101, 100), {"rotate": False}, False),
        ((51, 51), {"rotate": False, "reduce": 2}, False),
    ],
)
def test_a_picture_too_small_for_the_patch_is_named(folder, shape, parameters, fits):
    stimulus = Photographs(str(folder), **parameters)
    rng = np.random.default_rng(0)
    if fits:
        assert stimulus.frames(0, shape, rng).shape == (1, *shape)
    else:
        with pytest.raises(DataError, match=r"ramp\.png: .* too few"):
            stimulus.frames(0, shape, rng)


def test_reduced_to_nothing(folder):
    with pytest.raises(DataError, match="cannot be reduced by 101"):
        load_photographs(str(folder), 101)


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        ({"images": ""}, "images"),
        ({"rotate": "yes"}, "rotate"),
        ({"zoom": (0.5, 1.0)}, "zoom"),
        ({"zoom": (2.0, 1.0)}, "zoom"),
        ({"zoom": (1.0, float("nan"))}, "zoom"),
        ({"zoom": (1.0,)}, "zoom"),
        ({"zoom": 2.0}, "zoom"),
        ({"reduce": 0}, "reduce"),
        ({"min_contrast": -0.1}, "min_contrast"),
        ({"min_contrast": 1.0}, "min_contrast"),
    ],
)
def test_what_is_refused(parameters, where):
    with pytest.raises(SpecError, match=rf"stimulus\.{where}: "):
        Photographs(**parameters)


@pytest.mark.parametrize("size", [(40, 33), (1, 7), (6, 1), (2, 2)])
def test_samples_are_those_of_scipy(size):
    # Bit for bit, at any place inside, the outermost pixels included.
    rng = np.random.default_rng(3)
    image = rng.standard_normal(size)
    rows, columns = (np.concatenate([rng.uniform(0, n - 1, 300), [0, n - 1]]) for n in size)
    row, column = (m.ravel() for m in np.meshgrid(rows, columns))
    expected = ndimage.map_coordinates(image, [row, column], order=1, mode="nearest")
    np.testing.assert_array_equal(photographs._bilinear(image, row, column), expected)
    # What rounding puts outside is the outermost pixel.
    outside = np.array([-1e-12, size[0] - 1 + 1e-12])
    beyond = photographs._bilinear(image, outside, np.array([size[1] - 1 + 1e-12, -1e-12]))
    np.testing.assert_array_equal(beyond, [image[0, -1], image[-1, 0]])


@pytest.mark.parametrize("zoom", [(1.0, 1.5), (1.25, 1.25)])
@pytest.mark.parametrize("images", ["bundled", "white-noise"])
def test_patches_drawn_together_are_the_same(images, zoom):
    # Bit for bit; pieces of noise have one size at one zoom, and several at several.
    stimulus = Photographs(images, n_trials=12, zoom=zoom)
    together = stimulus.pictures(range(12), (9, 14), [np.random.default_rng(k) for k in range(12)])
    for trial, picture in enumerate(together):
        alone = stimulus.frames(trial, (9, 14), np.random.default_rng(trial))
        np.testing.assert_array_equal(picture, alone[0])
