"""Picture files of every kind: the pixels that a viewer shows, or one line that says why not."""

from __future__ import annotations

import copy
import hashlib
import os
import pickle
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from scnnbio import backends
from scnnbio.errors import DataError, FilesSkipped
from scnnbio.stimuli import Photographs, WhiteNoise
from scnnbio.stimuli.pictures import load_photographs, read_picture
from tests.backends import networks

RANDOM = np.random.default_rng(11)
GREY = RANDOM.integers(1, 255, (12, 17), dtype=np.uint8)
LUMINANCE = np.array([0.2125, 0.7154, 0.0721])

#: What a viewer does to the stored rows for each value of the tag Orientation. EXIF 2.3 names the
#: edges at which row 0 and column 0 are seen: 6, say, has row 0 at the right and column 0 on top.
SHOWN = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.T,
    6: lambda p: p.T[:, ::-1],
    7: lambda p: p.T[::-1, ::-1],
    8: lambda p: p.T[::-1],
}


def write(file: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(file, **options)
    return file


def refused(file: Path, why: str) -> None:
    with pytest.raises(DataError, match=why) as caught:
        load_photographs(str(file.parent))
    assert file.name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("orientation", SHOWN)
@pytest.mark.parametrize(
    ("suffix", "depth"), [("jpg", 8), ("png", 8), ("png", 16), ("tif", 8), ("tif", 16)]
)
def test_a_picture_is_turned_as_a_viewer_turns_it(
    tmp_path: Path, orientation: int, suffix: str, depth: int
) -> None:
    # Fields of 16 pixels, which JPEG keeps apart; no two of them have the same grey.
    fields = np.linspace(20, 240, 6).reshape(2, 3).astype(np.uint8)
    pixels = np.kron(fields, np.ones((16, 16), np.uint8))
    stored = pixels if depth == 8 else pixels.astype(np.uint16) * 257
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = write(tmp_path / f"turned.{suffix}", stored, exif=exif)
    shown, _ = read_picture(file)
    expected = SHOWN[orientation](stored.astype(float))
    assert shown.shape == expected.shape
    np.testing.assert_allclose(shown, expected, atol=0 if suffix != "jpg" else 3)


def test_a_patch_is_cut_from_the_upright_picture(tmp_path: Path) -> None:
    # A ramp that rises to the right as stored; shown turned clockwise, it rises downwards.
    exif = Image.Exif()
    exif[0x0112] = 6
    ramp = np.tile(np.arange(40, dtype=np.uint8) * 5 + 20, (30, 1))
    write(tmp_path / "ramp.png", ramp, exif=exif)
    (patch,) = Photographs(str(tmp_path), rotate=False).frames(
        0, (40, 30), np.random.default_rng(0)
    )
    np.testing.assert_allclose(np.diff(patch, axis=0), 5 / ramp.mean(), rtol=1e-9)


def test_orientation_in_xmp_counts_too(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'
    told = PngImagePlugin.PngInfo()
    told.add_itxt("XML:com.adobe.xmp", xmp.decode())
    file = write(tmp_path / "a.png", GREY, pnginfo=told)
    np.testing.assert_array_equal(read_picture(file)[0], GREY[::-1, ::-1])


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_does_not_exist_turns_nothing(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(read_picture(write(tmp_path / "a.png", GREY, exif=exif))[0], GREY)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_of_grey_are_kept(tmp_path: Path, suffix: str) -> None:
    # Steps of one in 65,535, of which 8 bits would see nothing.
    pixels = (np.arange(12 * 17).reshape(12, 17) % 200 + 30_000).astype(np.uint16)
    np.testing.assert_array_equal(read_picture(write(tmp_path / f"a.{suffix}", pixels))[0], pixels)


def test_floating_point_pixels_are_kept(tmp_path: Path) -> None:
    pixels = RANDOM.random((9, 9), dtype=np.float32) * 1e-3
    np.testing.assert_array_equal(read_picture(write(tmp_path / "a.tif", pixels))[0], pixels)


def png(file: Path, depth: int, colour: int, pixels: np.ndarray, extra: bytes = b"") -> Path:
    """A PNG of the bytes of a big-endian array, written by the standard's first edition."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    rows, columns = pixels.shape[:2]
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(lines))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b""))
    return file


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_colours_of_sixteen_bits_are_refused(tmp_path: Path, colour: int, channels: int) -> None:
    # Pillow keeps the upper half of each: a dark picture would be left with a few greys.
    pixels = np.full((6, 6, channels), 0xFFFF, ">u2")
    pixels[..., : min(channels, 3)] = RANDOM.integers(0, 2000, (6, 6, 1))
    refused(png(tmp_path / "deep.png", 16, colour, pixels), "16 bits cannot be read whole")


def tiff(file: Path, pixels: np.ndarray, photometric: int) -> Path:
    """An uncompressed little-endian TIFF 6.0 of one strip."""
    rows, columns = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    bits = pixels.dtype.itemsize * 8
    after = 8 + 2 + 12 * 9 + 4
    strip = after + (2 * channels if channels > 2 else 0)
    where_bits = after if channels > 2 else bits
    rows_of = [
        (256, 4, 1, columns),
        (257, 4, 1, rows),
        (258, 3, channels, where_bits),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, strip),
        (277, 3, 1, channels),
        (278, 4, 1, rows),
        (279, 4, 1, pixels.nbytes),
    ]
    directory = b"".join(struct.pack("<HHII", *row) for row in rows_of)
    told = struct.pack("<H", bits) * channels if channels > 2 else b""
    file.write_bytes(
        b"II*\0\x08\0\0\0" + struct.pack("<H", len(rows_of)) + directory + b"\0" * 4 + told
        + pixels.tobytes()
    )  # fmt: skip
    return file


@pytest.mark.parametrize("dtype", ["u1", "<u2"])
def test_the_tiff_writer_of_these_tests_is_right(tmp_path: Path, dtype: str) -> None:
    pixels = GREY.astype(dtype) * (1 if dtype == "u1" else 200)
    np.testing.assert_array_equal(read_picture(tiff(tmp_path / "a.tif", pixels, 1))[0], pixels)


def test_a_deep_tiff_in_colour_is_refused(tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 65_535, (6, 6, 3)).astype("<u2")
    refused(tiff(tmp_path / "deep.tif", pixels, 2), "deep")


def test_white_as_zero_is_turned_round_or_refused(tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 255, (6, 6)).astype(np.uint8)
    np.testing.assert_array_equal(
        read_picture(tiff(tmp_path / "white.tif", pixels, 0))[0], 255 - pixels
    )
    refused(tiff(tmp_path / "white.tif", pixels.astype("<u2") * 257, 0), "0 is white")


def test_opacity_that_hides_nothing_is_ignored(tmp_path: Path) -> None:
    pixels = RANDOM.integers(1, 255, (8, 8, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    grey, _ = read_picture(write(tmp_path / "a.png", pixels))
    np.testing.assert_allclose(grey, pixels[..., :3] @ LUMINANCE)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "RGB", "I;16"])
def test_transparent_pixels_are_refused(tmp_path: Path, mode: str) -> None:
    # Which grey is there depends on the background that a viewer has.
    file = tmp_path / "through.png"
    if mode in ("LA", "RGBA"):
        pixels = RANDOM.integers(1, 255, (8, 8, 4), dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(file)
    elif mode == "P":
        Image.fromarray(GREY).convert("P").save(file, transparency=bytes([0] * 256))
    elif mode == "RGB":
        pixels = np.repeat(GREY[..., np.newaxis], 3, axis=2)
        write(file, pixels, transparency=tuple(pixels[2, 2].tolist()))
    else:
        pixels = GREY.astype(np.uint16) * 257 if mode == "I;16" else GREY
        write(file, pixels, transparency=int(pixels[2, 2]))
    refused(file, "transparent pixels")


def test_a_key_of_transparency_that_no_pixel_has_is_ignored(tmp_path: Path) -> None:
    file = write(tmp_path / "a.png", GREY, transparency=0)
    np.testing.assert_array_equal(read_picture(file)[0], GREY)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_several_pictures_in_a_file_are_refused(tmp_path: Path, suffix: str) -> None:
    stack = RANDOM.integers(0, 255, (3, 9, 9), dtype=np.uint8)
    first, *others = (Image.fromarray(pixels) for pixels in stack)
    file = tmp_path / f"stack.{suffix}"
    first.save(file, save_all=True, append_images=others)
    refused(file, "several images")


def test_of_a_camera_with_two_lenses_the_photograph_is_taken(tmp_path: Path) -> None:
    # A viewer shows the first picture of a multi-picture JPEG; the others are previews or depths.
    pixels = np.kron(np.array([[40, 200]], np.uint8), np.ones((16, 16), np.uint8))
    first, second = Image.fromarray(pixels), Image.fromarray(pixels[:, ::-1].copy())
    file = tmp_path / "a.jpg"
    first.save(file, format="MPO", save_all=True, append_images=[second])
    np.testing.assert_allclose(read_picture(file)[0], pixels, atol=2)


def test_a_whitened_picture_is_refused(tmp_path: Path) -> None:
    # Of mean 0 but for rounding: divided by that, contrasts came out as 4e10.
    pixels = RANDOM.standard_normal((32, 32)).astype(np.float32)
    refused(write(tmp_path / "white.tif", pixels - pixels.mean()), "pixels below 0")
    # With a mean above 0, it is still no luminance.
    refused(write(tmp_path / "white.tif", pixels + np.float32(0.1)), "add a constant")


@pytest.mark.parametrize("mean", [1e-30, 1e-9, 1.0, 1e30])
def test_contrast_depends_on_no_scale_and_is_never_below_minus_one(
    tmp_path: Path, mean: float
) -> None:
    pixels = (RANDOM.random((16, 16)) * mean).astype(np.float32)
    write(tmp_path / "a.tif", pixels)
    (image,) = load_photographs(str(tmp_path)).images
    exact = pixels.astype(float)
    np.testing.assert_allclose(image, exact / exact.mean() - 1, rtol=1e-12, atol=1e-15)
    assert image.min() >= -1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    pixels = RANDOM.random((9, 9), dtype=np.float32)
    pixels[4, 4] = value
    refused(write(tmp_path / "odd.tif", pixels), "infinite or NaN")


def test_one_pixel_is_uniform(tmp_path: Path) -> None:
    refused(write(tmp_path / "dot.png", np.full((1, 1), 9, np.uint8)), "uniform")


def test_a_picture_smaller_than_the_patch_is_named(tmp_path: Path) -> None:
    write(tmp_path / "small.png", GREY)
    with pytest.raises(DataError, match=r"small\.png: 12x17 pixels are too few"):
        Photographs(str(tmp_path)).frames(0, (11, 11), np.random.default_rng(0))


def test_what_is_no_photograph_is_skipped_and_said(tmp_path: Path) -> None:
    write(tmp_path / "b.PNG", GREY)
    (tmp_path / "._b.PNG").write_bytes(b"\0\5\26\7 what macOS keeps beside a file")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "Thumbs.db").write_bytes(b"\0")
    (tmp_path / "notes.txt").write_text("by hand")
    (tmp_path / "more.png").mkdir()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "pipe.png")
    other = "not a png, jpg, tif or bmp file"
    expected = {
        "._b.PNG": "hidden file",
        ".DS_Store": "hidden file",
        "Thumbs.db": other,
        "gone.png": "broken link",
        "more.png": "folder",
        "notes.txt": other,
        "pipe.png": "not a file",
    }
    with pytest.warns(FilesSkipped, match="and 2 more"):
        files = Photographs(str(tmp_path)).files
    assert {Path(path).name: reason for path, reason in files.skipped} == expected
    assert [Path(path).name for path, _ in files.read] == ["b.PNG"]
    # Once: whatever else is drawn from the same folder says nothing more.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Photographs(str(tmp_path), n_trials=3).frames(1, (3, 3), np.random.default_rng(0))


def test_a_run_keeps_what_was_read_and_what_was_skipped(tmp_path: Path) -> None:
    write(tmp_path / "a.png", RANDOM.integers(1, 255, (60, 60), dtype=np.uint8))
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    stimulus = Photographs(str(tmp_path), n_trials=1, duration=40.0)
    with pytest.warns(FilesSkipped, match=r"one of its entries is not read .* a\.gif \(not a png"):
        assert stimulus.files.skipped
    case = networks.experiment(networks.small_network(), stimulus=stimulus)
    told = backends.get("reference").run(case).provenance
    digest = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert told["files_read"] == [{"path": str(tmp_path / "a.png"), "sha256": digest}]
    (skipped,) = told["files_skipped"]
    assert skipped["path"] == str(tmp_path / "a.gif")


def test_files_are_told_with_their_digests(tmp_path: Path) -> None:
    for name in ("b.png", "a.bmp", "B.png"):
        write(tmp_path / name, RANDOM.integers(1, 255, (9, 9), dtype=np.uint8))
    files = Photographs(str(tmp_path)).files
    assert [Path(path).name for path, _ in files.read] == ["B.png", "a.bmp", "b.png"]
    for path, digest in files.read:
        assert digest == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert files.skipped == ()
    assert next(Path(path).stem for path, _ in Photographs().files.read) == "china"
    assert Photographs("white-noise").files == WhiteNoise().files == ((), ())


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS writes one form of a name alone")
def test_the_order_is_that_of_the_names_however_accents_are_written(tmp_path: Path) -> None:
    # The same three names, composed (Linux) and taken apart (macOS): \u00e9 sorts behind z.
    orders = []
    for number, accented in enumerate(("\u00e9t\u00e9.png", "e\u0301te\u0301.png")):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in ("zoo.png", accented, "eve.png"):
            write(folder / name, RANDOM.integers(1, 255, (9, 9), dtype=np.uint8))
        read = Photographs(str(folder)).files.read
        orders.append([Path(path).name.replace(accented, "accented") for path, _ in read])
    assert orders == [["eve.png", "zoo.png", "accented"]] * 2


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes no such name")
def test_a_name_that_is_no_text_can_be_written_down(tmp_path: Path) -> None:
    write(tmp_path / os.fsdecode(b"caf\xe9.png"), GREY)
    ((path, _),) = Photographs(str(tmp_path)).files.read
    assert path.encode("utf-8").endswith(rb"caf\udce9.png")


def test_a_folder_that_changed_is_read_again(tmp_path: Path) -> None:
    write(tmp_path / "a.png", GREY)
    before = Photographs(str(tmp_path))
    first = before.files
    write(tmp_path / "b.png", GREY[::-1])
    # A run holds its stimulus, and sees the same pictures from end to end.
    assert before.files == first
    assert len(Photographs(str(tmp_path)).files.read) == 2
    write(tmp_path / "b.png", GREY[:6])
    assert load_photographs(str(tmp_path)).images[1].shape == (6, 17)


def test_a_relative_folder_is_that_of_the_place_where_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, rows in (("one", 5), ("two", 7)):
        (tmp_path / place / "photos").mkdir(parents=True)
        write(tmp_path / place / "photos" / "a.png", GREY[:rows])
        monkeypatch.chdir(tmp_path / place)
        assert load_photographs("photos").images[0].shape[0] == rows


def test_copies_hold_the_parameters_alone(tmp_path: Path) -> None:
    write(tmp_path / "a.png", GREY)
    stimulus = Photographs(str(tmp_path), n_trials=7)
    size = len(pickle.dumps(stimulus))
    frame = stimulus.frames(0, (4, 4), np.random.default_rng(0))
    assert len(pickle.dumps(stimulus)) == size
    pickled = pickle.loads(pickle.dumps(stimulus))
    for other in (pickled, copy.deepcopy(stimulus)):
        assert other == stimulus
        assert hash(other) == hash(stimulus)
        np.testing.assert_array_equal(other.frames(0, (4, 4), np.random.default_rng(0)), frame)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    file = write(tmp_path / "a.png", GREY)
    with pytest.raises(DataError, match="is a file; name the folder"):
        load_photographs(str(file))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.png", GREY)
    file.chmod(0)
    refused(file, "Permission denied")
    tmp_path.chmod(0o100)
    try:
        with pytest.raises(DataError, match="cannot be listed"):
            load_photographs(str(tmp_path))
    finally:
        tmp_path.chmod(0o700)
