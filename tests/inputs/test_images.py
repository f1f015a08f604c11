"""Images: arrays, idx files and folders."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scnnbio import Experiment, LatencyCode, PoissonCode
from scnnbio.errors import DataError, SpecError
from scnnbio.inputs import FromImages, read_idx, read_images
from tests.inputs.networks import drawn_images, one_source

CODE = LatencyCode(budget=5, window=30.0)
DIGITS = np.random.default_rng(1).integers(0, 256, (4, 6, 7), dtype=np.uint8)
MNIST = Path(__file__).parents[2] / "../shared/data/mnist70k.npz"


def idx(array: np.ndarray) -> bytes:
    """The bytes of an idx file, written from LeCun's description of the format."""
    code = {"u1": 8, "i4": 12, "f4": 13}[array.dtype.str[1:]]
    head = struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    (tmp_path / "images.gz").write_bytes(gzip.compress(idx(DIGITS)))
    (tmp_path / "images").write_bytes(idx(DIGITS))
    (tmp_path / "labels").write_bytes(idx(np.array([7, 2, 1, 0], np.uint8)))
    return tmp_path


def test_an_idx_file_holds_its_array(digits: Path) -> None:
    for name in ("images", "images.gz"):
        found, file = read_idx(digits / name)
        np.testing.assert_array_equal(found, DIGITS)
        assert file.path == str(digits / name)
        assert not found.flags.writeable
    numbers = np.array([[1, -2, 300000]], np.int32)
    (digits / "numbers").write_bytes(idx(numbers))
    np.testing.assert_array_equal(read_idx(digits / "numbers")[0], numbers)


def test_what_is_shown_is_what_it_is_known_by(digits: Path) -> None:
    """The same digits from an array, a file and a compressed file are one input."""
    labels = {"label": np.array([7, 2, 1, 0], np.uint8)}
    made = [
        FromImages(DIGITS, CODE, labels=labels),
        FromImages(str(digits / "images"), CODE, labels=str(digits / "labels")),
        FromImages(str(digits / "images.gz"), CODE, labels=str(digits / "labels")),
    ]
    assert made[0] == made[1] == made[2]
    assert made[0].digest() == made[2].digest()
    assert [len(m.files.read) for m in made] == [0, 2, 2]
    other = DIGITS.copy()
    other[2, 3, 3] ^= 1
    assert FromImages(other, CODE, labels=labels) != made[0]
    part = FromImages(str(digits / "images"), CODE, first=1, n=2)
    assert part == FromImages(DIGITS[1:3], CODE)
    assert (part.n_trials, part.shape) == (2, (1, 6, 7))


def test_channels_come_first() -> None:
    images = np.random.default_rng(2).random((2, 6, 6, 3))
    made = FromImages(images, CODE)
    assert made.shape == (3, 6, 6)
    np.testing.assert_array_equal(made.values[1, 2], images[1, :, :, 2])


def test_a_rate_follows_the_value() -> None:
    """A Poisson code at gain 100 Hz: the mean count of value c in 1 s is 100 c, within 4 sigma."""
    values = np.broadcast_to(np.array([[0.0, 0.5, 1.0]]), (40, 3, 3))
    made = FromImages(values, PoissonCode(gain=100.0), duration=1000.0)
    shown = Experiment(one_source((1, 3, 3)), inputs={"in": made}, dt=0.1)
    counts = np.zeros(9)
    for trial in range(40):
        counts += np.bincount(shown.input_spikes(trial)[1], minlength=9)
    by_value = counts.reshape(3, 3).sum(axis=0)
    # A step of 0.1 ms has a spike with probability 1 - exp(-rate * dt).
    expected = 120 * 10_000 * -np.expm1(-np.array([0.0, 0.005, 0.01]))
    assert by_value[0] == 0
    assert np.abs(by_value[1:] - expected[1:]).max() < 4 * np.sqrt(expected[2])


def test_a_bright_byte_is_one() -> None:
    code, given = PoissonCode(gain=150.0), {"labels": {}}
    ours = drawn_images(code=code, **given)
    theirs = drawn_images(code=code, images=np.asarray(ours.images) / 255.0, **given)
    both = [
        Experiment(one_source((2, 6, 6)), inputs={"in": images}, dt=0.5).input_spikes(2)
        for images in (ours, theirs)
    ]
    assert len(both[0][0]) > 100
    np.testing.assert_array_equal(both[0], both[1])


def test_a_folder_of_folders_tells_labels(tmp_path: Path) -> None:
    colours = np.random.default_rng(3).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
    for place, image in zip(("cat/2.png", "cat/10.png", "dog/1.png"), colours, strict=True):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / place)
    (tmp_path / "cat" / "notes.txt").write_text("x")
    found = read_images(tmp_path)
    # In the order of names: 10.png before 2.png.
    np.testing.assert_array_equal(found.values, colours[[1, 0, 2]])
    assert found.labels["label"].tolist() == ["cat", "cat", "dog"]
    assert found.labels["file"].tolist() == ["10.png", "2.png", "1.png"]
    assert [Path(file.path).name for file in found.files.skipped] == ["notes.txt"]
    made = FromImages(str(tmp_path), CODE)
    assert made.table()["label"].tolist() == ["cat", "cat", "dog"]


def test_grey_files_have_one_channel(tmp_path: Path) -> None:
    for k, image in enumerate(DIGITS):
        Image.fromarray(image).save(tmp_path / f"{k}.png")
    np.testing.assert_array_equal(read_images(tmp_path).values[..., 0], DIGITS)


@pytest.mark.skipif(not MNIST.is_file(), reason=f"{MNIST} is absent")
def test_mnist_is_read_as_it_is_published(tmp_path: Path) -> None:
    """The test set begins with 7, 2, 1 and 0; cells fire in proportion to their mean value."""
    with np.load(MNIST, allow_pickle=False) as data:
        images, labels = data["x_test"][:50], data["y_test"][:50]
    assert labels[:4].tolist() == [7, 2, 1, 0]
    (tmp_path / "images.gz").write_bytes(gzip.compress(idx(images)))
    (tmp_path / "labels").write_bytes(idx(labels))
    made = FromImages(
        str(tmp_path / "images.gz"), PoissonCode(gain=100.0), labels=str(tmp_path / "labels")
    )
    assert made.table()["label"][:4].tolist() == [7, 2, 1, 0]
    shown = Experiment(one_source((1, 28, 28)), inputs={"in": made}, dt=0.5)
    counts = sum(np.bincount(shown.input_spikes(k)[1], minlength=784) for k in range(50))
    assert counts[images.reshape(50, -1).max(axis=0) == 0].sum() == 0
    assert np.corrcoef(counts, images.reshape(50, -1).mean(axis=0))[0, 1] > 0.95


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is not an idx file"),
        (b"\x89PNG....", "is not an idx file"),
        (b"\0\0\x07\x01\0\0\0\1x", "is not an idx file"),
        (idx(DIGITS)[:9], "is cut off within its header"),
        (idx(DIGITS)[:-1], r"is cut off: 167 of the 168 bytes"),
        (idx(DIGITS) + b"x", "goes on after the 168 bytes"),
        (gzip.compress(idx(DIGITS))[:-12], "its gzip data ends early"),
        (gzip.compress(idx(DIGITS))[:4] + b"junk" * 9, "gzip"),
        (gzip.compress(idx(DIGITS)[:-5]), r"is cut off: 163 of the 168"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "claims to hold an array of shape"),
        (idx(DIGITS[0, 0]), "holds an array of shape"),
        (idx(DIGITS[:0]), "holds an array of shape"),
    ],
)
def test_a_damaged_file_is_one_error(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "images"
    file.write_bytes(content)
    with pytest.raises(DataError, match=told) as found:
        FromImages(str(file), CODE)
    assert "\n" not in str(found.value)
    assert str(file) in str(found.value)


def test_files_that_do_not_fit_are_one_error(digits: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        FromImages(str(digits / "none"), CODE)
    (digits / "few").write_bytes(idx(np.zeros(3, np.uint8)))
    with pytest.raises(DataError, match=r"shape \(3,\) for 4 images"):
        FromImages(str(digits / "images"), CODE, labels=str(digits / "few"))
    with pytest.raises(DataError, match="holds no png"):
        FromImages(str(digits), CODE)
    Image.fromarray(DIGITS[0]).save(digits / "a.png")
    Image.fromarray(DIGITS[0, :3]).save(digits / "b.png")
    with pytest.raises(DataError, match=r"is of 3 x 7 pixels, and a\.png of 6 x 7"):
        FromImages(str(digits), CODE)
    (digits / "b.png").write_bytes((digits / "a.png").read_bytes()[:40])
    with pytest.raises(DataError, match=r"b\.png: cannot be read as an image"):
        FromImages(str(digits), CODE)
    Image.fromarray(np.zeros((6, 7, 4), np.uint8), "RGBA").save(digits / "b.png")
    with pytest.raises(DataError, match=r"b\.png: is an image of mode RGBA"):
        FromImages(str(digits), CODE)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"images": np.full((2, 3, 3), np.nan)}, "FromImages.images"),
        ({"images": np.full((2, 3, 3), 1.5)}, "values from 1.5 to 1.5; divide them"),
        ({"images": np.full((2, 3, 3), -0.1)}, "values from -0.1"),
        ({"images": np.full((2, 3, 3), 256)}, "whole numbers from 256 to 256"),
        ({"images": np.zeros((3, 3))}, r"an array of shape \(3, 3\) is not"),
        ({"images": np.zeros((0, 3, 3))}, "with at least one of each"),
        ({"images": [[[0.0]], [[0.0, 1.0]]]}, "images are of different sizes"),
        ({"images": [["a"]]}, "FromImages.images"),
        ({"labels": 3}, "3 is not a table of columns by name"),
        ({"code": 3}, "3 is not a code"),
        ({"duration": -1.0}, "FromImages.duration"),
        ({"labels": {"label": [1, 2]}}, "not a column of 3"),
        ({"labels": "file"}, "'file' names a file, and the images are an array"),
        ({"first": 3}, "images 3 to 2 are not all there: there are 3"),
        ({"n": 4}, "images 0 to 3 are not all there: there are 3"),
    ],
)
def test_what_is_wrong_is_one_error(changes: dict[str, object], told: str) -> None:
    with pytest.raises(SpecError, match=told) as found:
        drawn_images(**changes)
    assert "\n" not in str(found.value)
