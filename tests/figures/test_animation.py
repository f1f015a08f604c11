"""Animations of a run: frames of the file show what the run recorded, and nothing too early."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.animation import FFMpegWriter
from PIL import Image

from scnnbio import workflow
from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import Run
from scnnbio.figures import animate, animation, save_animation
from scnnbio.recording import Recording, Signal, Snapshots, Spikes
from scnnbio.validation import Evidence
from tests.cli_calls import ask
from tests.described import INSTANCES
from tests.figures.synthetic import kernel


def results(**changes: object) -> SimpleNamespace:
    """A stage with one spike at 40 ms, a ramp, and three snapshots of eight kernels."""
    run = INSTANCES[Run]()
    spikes = Spikes([40.0, 3.0], [1, 0], [1, 0])
    time = np.arange(0.0, 100.0, 10.0)
    ramp = Signal(time[:, None] - 70.0, [1], 10.0, "mV", np.ones(10, int), time)
    shots = Snapshots([0, 1, 2], np.stack([0.0 * kernel(), 0.5 * kernel(), kernel()]))
    parts = {
        "spikes": {"v1": spikes, "lgn": Spikes([], [], [])},
        "shapes": {"v1": (1, 2, 2), "lgn": (2, 3, 3)},
        "trials": {"duration": [100.0, 100.0, 100.0]},
        "signals": {"v1": {"v": ramp}},
        "snapshots": {"lgn_v1": shots},
    }
    recording = Recording(**{**parts, **changes})  # type: ignore[arg-type]
    made = dataclasses.replace(run, recording=recording, weights={"lgn_v1": 2.0 * kernel()})
    return SimpleNamespace(evidence={"learn": Evidence(made)}, scores=(), claims=())


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few frames, and coarse ones."""
    monkeypatch.setattr(animation, "_FRAMES", 5)
    monkeypatch.setattr(animation, "_DOTS", 50)


def blue_in(path: Path) -> list[int]:
    """Blue pixels of each frame."""
    counts = []
    with Image.open(path) as image:
        for k in range(image.n_frames):
            image.seek(k)
            frame = np.asarray(image.convert("RGB"), dtype=int)
            counts.append(int((frame[..., 2] - frame[..., 0] > 40).sum()))
    return counts


def test_a_spike_and_a_trace_appear_when_they_happen(tmp_path: Path) -> None:
    """Five frames of a trial of 100 ms end at 20, 40, 60, 80 and 100 ms; the spike is at 40 ms."""
    made = animate("raster", results(), trial=1)
    assert (made.frames, made.rate) == (5, 20)
    axes = next(a for a in made.figure.axes if a.get_ylabel().startswith("V1"))
    assert axes.lines[0].get_xdata().tolist() == [40.0]
    for k, covered in enumerate((20.0, 40.0, 60.0, 80.0, 100.0)):
        made.show(k)
        assert axes.patches[-1].get_x() == pytest.approx(covered)
    trace = save_animation(animate("membrane", results()), tmp_path, "membrane")
    blue = blue_in(trace)
    assert blue[0] > 0
    assert all(later > earlier for earlier, later in itertools.pairwise(blue))


def test_kernels_are_those_of_the_snapshots(tmp_path: Path) -> None:
    """Frames: zeros, the kernels, the same scaled (which looks the same), and the end."""
    made = animate("kernels", results())
    assert (made.frames, made.rate) == (4, 6)
    shown, titles = [], []
    for k in range(made.frames):
        made.show(k)
        shown.append(np.array(made.figure.axes[0].images[0].get_array()))
        titles.append(made.figure.axes[0].get_title(loc="left"))
    assert titles == [
        "lgn_v1, before learning", "lgn_v1, after 1 of 3 trials", "lgn_v1, after 2 of 3 trials",
        "lgn_v1, at the end",
    ]  # fmt: skip
    assert not np.nan_to_num(shown[0]).any()
    first = kernel()[0, 0] - kernel()[0, 1]  # ON - OFF, in the left upper corner
    for frame in shown[1:]:
        np.testing.assert_allclose(frame[:9, :9], first / np.abs(first).max(), rtol=1e-12)
    path = save_animation(made, tmp_path, "kernels")
    with Image.open(path) as image:
        assert (image.format, image.n_frames) == ("GIF", 4)
        assert image.info["loop"] == 0


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (
        save_animation(animate("kernels", results()), tmp_path / name, "kernels").read_bytes()
        for name in ("a", "b")
    )
    assert one == two


def test_a_population_alone_is_drawn_once() -> None:
    only = results(spikes={"v1": Spikes([1.0], [0], [0])}, shapes={"v1": (1, 2, 2)})
    labels = [axes.get_ylabel() for axes in animate("raster", only).figure.axes]
    assert [label.split()[0] for label in labels] == ["V1", "mean"]


@pytest.mark.parametrize(
    ("name", "given", "kind", "said"),
    [
        ("rater", {}, SpecError, "did you mean 'raster'"),
        ("raster", {"stage": "lern"}, SpecError, "did you mean 'learn'"),
        ("raster", {"trial": 3}, SpecError, "there is no trial 3; there are 0 to 2"),
        ("kernels", {"trial": 0}, SpecError, "kernels are shown over all trials"),
    ],
)
def test_what_is_not_there_is_refused(
    name: str, given: dict[str, object], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        animate(name, results(), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raster", "no stage recorded any spike; name populations in record.spikes"),
        ("membrane", "no stage recorded a signal; name variables in record.signals"),
        ("kernels", "no stage recorded snapshots of a kernel of one or two channels"),
    ],
)
def test_what_was_not_recorded_is_named(name: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        animate(name, results(spikes={"v1": Spikes([], [], [])}, signals={}, snapshots={}))


def test_a_trial_without_samples_is_refused() -> None:
    with pytest.raises(DataError, match="trial 0 has no samples of a signal"):
        animate("membrane", results(), trial=0)


def test_mp4_needs_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    with pytest.raises(DataError, match="ffmpeg, which writes MP4, is not installed"):
        save_animation(animate("raster", results()), tmp_path, "raster", mp4=True)
    assert not list(tmp_path.iterdir())


def test_the_command_writes_into_the_folder_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "load_results", lambda folder, report: results())
    done = ask("figures", tmp_path, "kernels", "--animate", "--stage", "learn")
    assert done.exception is None
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["kernels.gif"]
    assert "--animate: say what to animate, one of raster, membrane, kernels" in str(
        ask("figures", tmp_path, "--animate").exception
    )
    assert "--mp4 are of an animation; add --animate" in str(
        ask("figures", tmp_path, "raster", "--trial", 1).exception
    )


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_an_mp4_is_written_where_ffmpeg_is(tmp_path: Path) -> None:
    path = save_animation(animate("raster", results()), tmp_path, "raster", mp4=True)
    assert path.read_bytes()[4:8] == b"ftyp"
