"""The default backend of a study: which one it is, why, and that the user is told both."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scnnbio import backends, workflow
from scnnbio.backends import processes
from scnnbio.backends.fastest import ORDER, fastest
from scnnbio.errors import BackendMissing, DataError, SpecError, Unsupported, UnsupportedError
from scnnbio.experiment import Study, load
from scnnbio.workflow import main
from scnnbio.workflow.drafts import find_draft
from scnnbio.workflow.origin import check_unchanged, origin
from tests.experiment.small import study as small
from tests.workflow.conftest import FILE as V1


@pytest.fixture
def study(tmp_path: Path) -> Study:
    small().save(tmp_path / "own.toml")
    return load(tmp_path / "own.toml")


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool == "g++" else which(tool))


def test_where_there_is_a_compiler_it_is_used(study: Study) -> None:
    chosen = fastest(study)
    assert (chosen.name, dict(chosen.passed_over)) == ("brian2-standalone", {})
    assert str(chosen) == "brian2-standalone, the fastest that can run this on this machine"


def test_torch_trains_and_the_fastest_runs_the_other_stages() -> None:
    study = load(V1.parent / "digits_surrogate.toml", profile="tiny")
    assert fastest(study).name == "trained=torch,brian2-standalone"
    assert fastest(study.experiments[1]).name == "torch"
    assert fastest(study.experiments[2]).name == "brian2-standalone"


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_the_runtime_is_taken_and_the_reason_told(study: Study) -> None:
    chosen = fastest(study)
    assert chosen.name == "brian2"
    assert "not brian2-standalone: g++ not found" in str(chosen)


def test_what_a_backend_cannot_take_is_passed_over(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A population named as something of Brian2's own, say: the oracle takes it."""

    def unsupported(self: backends.Backend, experiment: object) -> list[Unsupported]:
        return [Unsupported("population 'x'", "has such a name", "take another")]

    for name in ORDER[:2]:
        monkeypatch.setattr(type(backends.get(name)), "unsupported", unsupported)
    chosen = fastest(study)
    assert chosen.name == "reference"
    assert chosen.passed_over == dict.fromkeys(ORDER[:2], "population 'x': has such a name")
    # If no backend can run it, the error has the reasons of the fastest.
    monkeypatch.setattr(type(backends.get("reference")), "unsupported", unsupported)
    with pytest.raises(
        UnsupportedError, match="not available on brian2-standalone: population 'x'"
    ):
        workflow.run(study, None, Path("never"))


@pytest.mark.usefixtures("no_compiler")
def test_options_narrow_the_choice(study: Study) -> None:
    """An option that only the compiled program has needs a compiler, and the error says so."""
    with pytest.raises(BackendMissing, match=r"g\+\+ not found"):
        workflow.run(study, None, Path("never"), options={"threads": 2})
    with pytest.raises(SpecError, match="did you mean 'threads'"):
        fastest(study, {"thread": 2})


@pytest.mark.nest
def test_of_several_processes_nest_uses_all(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nest")

    class Two:
        size = 2

    monkeypatch.setattr(processes, "commanded", Two)
    nest = type(backends.get("nest"))
    # NEST from the wheel has no MPI, and says so; the first process runs the next one.
    chosen = fastest(study)
    assert chosen.name == "brian2-standalone"
    assert "built without MPI" in chosen.passed_over["nest"]
    monkeypatch.setattr(nest, "unsupported", lambda self, experiment: [])
    monkeypatch.setattr(nest, "missing", lambda self: "")
    assert fastest(study).name == "nest"


@pytest.mark.slow
@pytest.mark.usefixtures("no_compiler")
def test_the_choice_is_kept_with_the_results(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "draw", lambda *_, meanwhile, **__: meanwhile())
    workflow.run(study, None, tmp_path / "chosen")
    workflow.run(study, "reference", tmp_path / "named")
    told = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("chosen", "named")]
    assert [t["backend"] for t in told] == ["brian2", "reference"]
    assert [t["backend_chosen_by"] for t in told] == ["scnnbio", "user"]
    assert [t["command"] for t in told] == [[], []]
    # The spikes are the same, whichever was taken.
    one, other = (workflow.load_results(tmp_path / name) for name in ("chosen", "named"))
    for name, spikes in one.recording.spikes.items():
        np.testing.assert_array_equal(spikes.time, other.recording.spikes[name].time)
        np.testing.assert_array_equal(spikes.unit, other.recording.spikes[name].unit)


def pictures(folder: Path) -> Path:
    folder.mkdir()
    for k in range(2):
        pixels = np.random.default_rng(k).integers(0, 255, (60, 60), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{k}.png")
    return folder


@pytest.mark.parametrize("change", ["content", "removed", "added"])
def test_a_run_does_not_go_on_with_other_pictures(change: str, tmp_path: Path) -> None:
    """Half of it would have been shown one thing, and half another."""
    place = pictures(tmp_path / "pictures")
    study = load(V1, profile="tiny", settings=[f"images={place}"])
    began = origin(study)
    check_unchanged(study, began, "here")
    if change == "content":
        shutil.copy(place / "0.png", place / "1.png")
    elif change == "removed":
        (place / "1.png").unlink()
    else:
        shutil.copy(place / "0.png", place / "2.png")
    # Loaded anew, as a process that goes on does.
    again = load(V1, profile="tiny", settings=[f"images={place}"])
    with pytest.raises(DataError, match=r"[12]\.png has changed since the run began"):
        check_unchanged(again, began, "here")


def test_resume_keeps_the_date_and_checks_the_files(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scnnbio.workflow.drafts import Draft
    from scnnbio.workflow.folder import lock_draft

    draft = tmp_path / ".out.x"
    draft.mkdir()
    began = origin(study, ["scnnbio", "run", "own.toml"])
    kept = Draft(draft, study, "reference", {}, False, began)
    with lock_draft(draft):
        kept.begin()
        (kept.checkpoint("learn") / "state").write_bytes(b"")
        found = find_draft(tmp_path / "out")
    assert found.origin == began
