"""Weights that a document names: read from its folder only, and never more than numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from scnnbio.errors import DataError, ScnnbioError, SpecError
from scnnbio.experiment import load, study_from, weights
from scnnbio.experiment.study import study_table
from scnnbio.experiment.weights import PROVENANCE, write_weights
from tests.experiment.small import study

KERNEL = np.random.default_rng(8).uniform(0.0, 1.0, (2, 2, 3, 3))
THRESHOLD = np.array([-51.5, -49.25])
EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def document(named: Any) -> dict[str, Any]:
    """The first stage of the small study, with weights."""
    table = study_table(study())
    table["stages"] = {"learn": table["stages"]["learn"]}
    table["claims"] = []
    table["network"]["weights"] = named
    return table


def write(folder: Path, named: Any) -> Path:
    """A document beside which lies a file of one stage's weights."""
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder / "kernels.npz", {"learn": {"lgn_v1": KERNEL, "v1": THRESHOLD}})
    path = folder / "study.toml"
    path.write_text(tomli_w.dumps(document(named)))
    return path


def assert_loaded(path: Path) -> None:
    network = load(path).stages[0].network
    np.testing.assert_array_equal(network.projection("lgn_v1").kernel, KERNEL)
    np.testing.assert_array_equal(network.population("v1").parameters["theta"], THRESHOLD)


def test_a_stage_of_a_file(tmp_path: Path) -> None:
    assert_loaded(write(tmp_path, {"file": "kernels.npz", "stage": "learn"}))


def test_a_file_without_stages_in_a_folder_below_with_a_note_on_its_origin(tmp_path: Path) -> None:
    path = write(tmp_path, "below/plain.npz")
    (tmp_path / "below").mkdir()
    note = {PROVENANCE: np.array("made by hand")}
    np.savez(tmp_path / "below" / "plain.npz", lgn_v1=KERNEL, v1=THRESHOLD, **note)
    assert_loaded(path)


def test_what_is_saved_loads_alone(tmp_path: Path) -> None:
    made = load(write(tmp_path / "a", {"file": "kernels.npz", "stage": "learn"}))
    for place in ("b", "c"):  # saved, and saved again from what was saved
        (tmp_path / place).mkdir()
        made.save(tmp_path / place / "experiment.toml")
        made = load(tmp_path / place / "experiment.toml")
    (tmp_path / "a" / "kernels.npz").unlink()
    assert_loaded(tmp_path / "c" / "experiment.toml")
    assert [p.name for p in (tmp_path / "c" / "given").iterdir()] == ["kernels.npz"]


def test_two_files_of_one_name_stay_two(tmp_path: Path) -> None:
    path = write(tmp_path, "x/k.npz")
    table = document("x/k.npz")
    table["stages"]["test"] = {"like": "learn", "network": {"weights": "y/k.npz"}}
    path.write_text(tomli_w.dumps(table))
    for name, factor in (("x", 1.0), ("y", 0.5)):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "k.npz", lgn_v1=factor * KERNEL)
    (tmp_path / "saved").mkdir()
    load(path).save(tmp_path / "saved" / "experiment.toml")
    stages = load(tmp_path / "saved" / "experiment.toml").stages
    for stage, factor in zip(stages, (1.0, 0.5), strict=True):
        np.testing.assert_array_equal(stage.network.projection("lgn_v1").kernel, factor * KERNEL)


def truncated(folder: Path) -> None:
    whole = (folder / "kernels.npz").read_bytes()
    (folder / "kernels.npz").write_bytes(whole[: len(whole) // 2])


def pickled(folder: Path) -> None:
    np.savez(folder / "kernels.npz", **{"learn/lgn_v1": np.array([{"a": 1}], dtype=object)})


def replaced_by(values: Any) -> Callable[[Path], None]:
    return lambda folder: write_weights(folder / "kernels.npz", {"learn": values})


def overwritten(content: bytes) -> Callable[[Path], None]:
    return lambda folder: folder.joinpath("kernels.npz").write_bytes(content) and None


def one_array(folder: Path) -> None:
    with (folder / "kernels.npz").open("wb") as file:
        np.save(file, KERNEL)


def link_out(folder: Path) -> None:
    (folder.parent / "secret.npz").write_bytes((folder / "kernels.npz").read_bytes())
    (folder / "kernels.npz").unlink()
    (folder / "kernels.npz").symlink_to(folder.parent / "secret.npz")


LEARN = {"file": "kernels.npz", "stage": "learn"}
#: name → (what the document says, what is done to the file, the error)
WRONG: dict[str, tuple[Any, Callable[[Path], None], type[ScnnbioError], str]] = {
    "above": ("../kernels.npz", lambda _: None, SpecError, "not a file in the folder of the"
    " document"),
    "absolute": ("/etc/passwd", lambda _: None, SpecError, "'/etc/passwd' is not a file in the"),
    "the folder itself": (".", lambda _: None, SpecError, "'.' is not a file in the"),
    "NUL": ("a\0b", lambda _: None, SpecError, "is not a file in the"),
    "a link out of the folder": (LEARN, link_out, SpecError, "'kernels.npz' is not a file in the"),
    "no such file": ("none.npz", lambda _: None, DataError, "none.npz: there is no such file"),
    "a folder": ("below", lambda f: (f / "below").mkdir(), DataError, "is a folder; name a"),
    "empty": (LEARN, overwritten(b""), DataError, "kernels.npz: is empty, not an archive"),
    "HDF5": (LEARN, overwritten(b"\x89HDF\r\n\x1a\n"), DataError, "npz: is an HDF5 file, not"),
    "one array": (LEARN, one_array, DataError, "kernels.npz: is a single array, not"),
    "truncated": (LEARN, truncated, DataError, "kernels.npz: is damaged"),
    "another kind of file": ("study.toml", lambda _: None, DataError, "not a zip file"),
    "pickled": (LEARN, pickled, DataError, "an array of object"),
    "no such stage": (
        {"file": "kernels.npz", "stage": "tst"}, lambda _: None, DataError,
        "holds no weights of stage 'tst'; it has stages learn",
    ),
    "stage not given": ("kernels.npz", lambda _: None, DataError, "without a stage; it has stages"),
    "wrong shape": (
        LEARN, replaced_by({"lgn_v1": KERNEL[:, :1]}), SpecError, "does not fit the network",
    ),
    "wrong number of thresholds": (
        LEARN, replaced_by({"v1": THRESHOLD[:1].repeat(3)}), SpecError, "does not fit the network",
    ),
    "unknown name": (LEARN, replaced_by({"lgn_v2": KERNEL}), SpecError, "'lgn_v2' has no weights"),
    "not finite": (LEARN, replaced_by({"lgn_v1": KERNEL * np.nan}), SpecError, "finite"),
    "outside the rule's bounds": (LEARN, replaced_by({"lgn_v1": 9 * KERNEL}), SpecError, "bounds"),
    "unknown key": ({"flie": "kernels.npz"}, lambda _: None, SpecError, "unknown key 'flie'"),
    "no text": ({"file": 3}, lambda _: None, SpecError, "network.weights.file: 3 is not text"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_file_is_said(name: str, tmp_path: Path) -> None:
    said, spoil, error, part = WRONG[name]
    path = write(tmp_path / "here", said)
    spoil(tmp_path / "here")
    with pytest.raises(error) as caught:
        load(path)
    assert part in str(caught.value)
    if error is SpecError:
        assert caught.value.where.startswith("network.weights")


def test_what_unpacks_to_more_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "_LARGEST", 8 * (KERNEL.size + THRESHOLD.size))  # and two headers
    with pytest.raises(DataError, match=r"bytes when unpacked, more than 304"):
        load(write(tmp_path, LEARN))


def test_a_document_that_is_no_file_has_no_folder() -> None:
    with pytest.raises(SpecError, match=r"network\.weights: 'k\.npz' is a file, but this document"):
        study_from(document("k.npz"))


def test_the_grating_shows_what_v1_features_learned() -> None:
    network = load(EXPERIMENTS / "v1_grating.toml").experiments[0].network
    with np.load(EXPERIMENTS / "v1_kernels.npz", allow_pickle=False) as archive:
        kernel, note = archive["learn/lgn_v1"], str(archive[PROVENANCE])
    np.testing.assert_array_equal(network.projection("lgn_v1").kernel, kernel)
    assert '"study": "v1_features"' in note
    assert not network.learns


def circuit(folder: Path, kernels: Any) -> Path:
    """A document with a model that takes an array, beside a file that holds one."""
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder / "kernels.npz", {"learn": {"lgn_v1": KERNEL}})
    parameters = {"kernels": kernels, "stride": 1, "complex_cells": 2, "inhibitory_cells": 1}
    table = study_table(study())
    table["stages"] = {"learn": {**table["stages"]["learn"], "record": {}, "learning": False}}
    table |= {"claims": [], "network": {"model": "v1_circuit", "parameters": parameters}}
    path = folder / "study.toml"
    path.write_text(tomli_w.dumps(table))
    return path


def test_a_parameter_of_a_model_is_an_array_of_a_file(tmp_path: Path) -> None:
    named = {"file": "kernels.npz", "array": "learn/lgn_v1"}
    made = load(circuit(tmp_path / "a", named))
    (tmp_path / "b").mkdir()
    made.save(tmp_path / "b" / "experiment.toml")
    (tmp_path / "a" / "kernels.npz").unlink()
    for one in (made, load(tmp_path / "b" / "experiment.toml")):  # saved, its file goes with it
        kernel = one.stages[0].network.projection("lgn_simple").kernel
        np.testing.assert_allclose(kernel, KERNEL / KERNEL.sum(axis=(1, 2, 3), keepdims=True))
        assert "kernels.npz" in [Path(source.path).name for source in one.described_by]


@pytest.mark.parametrize(
    ("named", "error", "message"),
    [
        ({"file": "kernels.npz"}, SpecError, "network.parameters.kernels: 'array' is missing"),
        ({"file": "kernels.npz", "array": "learn/v2"}, DataError, "it has learn/lgn_v1"),
        ({"file": "kernels.npz", "array": 3}, SpecError, "network.parameters.kernels.array"),
        ({"file": "../kernels.npz", "array": "a"}, SpecError, "network.parameters.kernels.file"),
        ({"file": "none.npz", "array": "a"}, DataError, "none.npz"),
        ({"file": "kernels.npz", "array": "a", "x": 1}, SpecError, "unknown key 'x'"),
    ],
)
def test_what_is_wrong_with_an_array_of_a_file_is_named(
    tmp_path: Path, named: dict[str, Any], error: type[ScnnbioError], message: str
) -> None:
    with pytest.raises(error) as caught:
        load(circuit(tmp_path, named))
    assert message in str(caught.value)
