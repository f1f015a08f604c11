"""Animations of a run: spikes, sampled signals, and kernels while they are learned.

A raster and signals are drawn once and uncovered as time goes on; of kernels each frame is one of
the snapshots that the run kept. A GIF needs nothing but matplotlib, an MP4 needs ffmpeg.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from scnnbio.errors import DataError, SpecError, hint, not_one_of, unwritable
from scnnbio.experiment import Run
from scnnbio.figures.kernels import kernel_grid
from scnnbio.figures.raster import raster
from scnnbio.figures.spec import StudyResults
from scnnbio.figures.style import INK, MODEL, PAGE, new_figure, style, styled
from scnnbio.files import write_atomically
from scnnbio.recording import Recording
from scnnbio.validation import Evidence

__all__ = ["ANIMATIONS", "Animation", "animate", "save_animation"]

#: Frames of a trial, and frames per second of it and of kernels.
_FRAMES, _FAST, _SLOW = 60, 20, 6
#: Most units whose signals are drawn.
_MOST = 8
_DOTS = 100  # per inch
_SIZE = 9.0  # of the title over kernels, in points


@dataclass(frozen=True, eq=False)
class Animation:
    """A figure that changes from frame to frame.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    frames : int
    show : callable
        Changes the figure into frame k, from 0.
    rate : int
        Frames per second.
    """

    figure: Figure
    frames: int
    show: Callable[[int], None]
    rate: int


@dataclass(frozen=True)
class AnimationSpec:
    """An animation that a stage can have.

    Parameters
    ----------
    needs : str
        What the stage has to have recorded.
    remedy : str
        How to record it.
    has : callable
        Whether evidence of a stage has that.
    make : callable
        Makes the animation of the evidence and a trial.
    """

    needs: str
    remedy: str
    has: Callable[[Evidence], bool]
    make: Callable[[Evidence, int | None], Animation]


def animate(
    name: str, results: StudyResults, *, stage: str | None = None, trial: int | None = None
) -> Animation:
    """Make an animation of a run by name.

    Parameters
    ----------
    name : {"raster", "membrane", "kernels"}
        Spikes of a trial, its sampled signals, or the kernels that were learned, snapshot by
        snapshot.
    results : StudyResults
        Such as those of :func:`scnnbio.load_results`.
    stage : str, optional
        The first stage that recorded it by default.
    trial : int, optional
        Of a raster or membrane: the one with most spikes by default, or the first.

    Returns
    -------
    Animation

    Raises
    ------
    SpecError
        If there is no such animation, stage or trial.
    DataError
        If the results lack what it shows.
    """
    if name not in ANIMATIONS:
        raise SpecError(not_one_of(name, ANIMATIONS), where="--animate")
    spec = ANIMATIONS[name]
    evidence = results.evidence
    if stage is not None and stage not in evidence:
        raise SpecError(f"there is no stage {stage!r}; {hint(stage, evidence)}", where="--stage")
    able = [found for key, found in evidence.items() if stage in (None, key) and spec.has(found)]
    if not able:
        of = "no stage" if stage is None else f"stage {stage!r}"
        raise DataError(f"{of} recorded {spec.needs}; {spec.remedy}", where=f"animation {name!r}")
    if name == "kernels" and trial is not None:
        raise SpecError("kernels are shown over all trials; leave it out", where="--trial")
    return spec.make(able[0], trial)


def _has_spikes(evidence: Evidence) -> bool:
    return any(len(found) for found in evidence.recording.spikes.values())


def _has_signals(evidence: Evidence) -> bool:
    signals = evidence.recording.signals.values()
    return any(len(s.trial) for variables in signals for s in variables.values())


def _snapshots(evidence: Evidence) -> str | None:
    """The projection whose kernel has snapshots that can be drawn as images."""
    for name, shots in evidence.recording.snapshots.items():
        if shots.values.ndim in (5, 6) and shots.values.shape[2] in (1, 2) and len(shots.trial):
            return name
    return None


def _has_kernels(evidence: Evidence) -> bool:
    return _snapshots(evidence) is not None


def _chosen(recording: Recording, trial: int | None, sampled: bool = False) -> int:
    """A trial: the given one, or the one with most spikes, or the first.

    It is one that has samples, if only those can be shown.
    """
    have = np.ones(recording.n_trials, dtype=bool)
    if sampled:
        have[:] = False
        for variables in recording.signals.values():
            for signal in variables.values():
                have[signal.trial] = True
    if trial is not None:
        if not 0 <= trial < recording.n_trials:
            raise SpecError(
                f"there is no trial {trial}; there are 0 to {recording.n_trials - 1}",
                where="--trial",
            )
        if not have[trial]:
            raise DataError(f"trial {trial} has no samples of a signal", where="animation")
        return trial
    counts = np.zeros(recording.n_trials, dtype=np.int64)
    for spikes in recording.spikes.values():
        counts += np.bincount(spikes.trial, minlength=recording.n_trials)
    return int(np.argmax(np.where(have, counts, -1))) if len(counts) else 0


def _raster(evidence: Evidence, trial: int | None) -> Animation:
    """Spikes of a source and of a layer, uncovered as time goes on."""
    recording = evidence.recording
    shown = _chosen(recording, trial)
    recorded = [name for name, found in recording.spikes.items() if recording.size(name)]
    sources = {p.name for p in evidence.run.experiment.network.sources}
    layers = [name for name in recorded if name not in sources]
    given = [name for name in recorded if name in sources]
    # Of several layers the one that the stage is about; of sources alone, one.
    about = [name for name in layers if name in evidence.populations] or layers[-1:]
    figure = raster(recording, trials=[shown], inputs=(*given, "")[0], outputs=(*about, "")[0])
    return _uncovered(figure, float(recording.trials["duration"][shown]))


@styled
def _traces(recording: Recording, trial: int) -> Figure:
    """Sampled signals of one trial, one panel per variable."""
    found = [
        (population, variable, signal)
        for population, variables in recording.signals.items()
        for variable, signal in variables.items()
    ]
    figure = new_figure(PAGE, 14.0 + 36.0 * len(found))
    panels = figure.subplots(len(found), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (population, variable, signal) in zip(panels, found, strict=True):
        rows = signal.trial == trial
        kept = np.linspace(0, len(signal.unit) - 1, min(_MOST, len(signal.unit))).astype(int)
        for column in dict.fromkeys(kept.tolist()):
            axes.plot(
                signal.time[rows], signal.values[rows, column], color=MODEL, lw=0.9, alpha=0.8
            )
        unit = "" if signal.quantity == "1" else f" ({signal.quantity})"
        axes.set_ylabel(f"{variable}{unit}")
        some = f"{len(set(kept.tolist()))} of {len(signal.unit)} sampled neurons"
        axes.set_title(f"{population}, {some}")
    length = float(recording.trials["duration"][trial])
    panels[-1].set(xlim=(0.0, length), xlabel=f"time in trial {trial} (ms)")
    figure.align_ylabels()
    return figure


def _membrane(evidence: Evidence, trial: int | None) -> Animation:
    recording = evidence.recording
    shown = _chosen(recording, trial, sampled=True)
    return _uncovered(_traces(recording, shown), float(recording.trials["duration"][shown]))


def _uncovered(figure: Figure, length: float) -> Animation:
    """A figure whose panels have an axis of time, covered from the present moment on."""
    covers, cursors = [], []
    for axes in figure.axes:
        whole = axes.get_xaxis_transform()
        cover = Rectangle((0.0, 0.0), length, 1.0, transform=whole, zorder=5, clip_on=True)
        cover.set(facecolor=axes.get_facecolor(), edgecolor="none")
        axes.set_autoscale_on(False)
        axes.add_patch(cover)
        covers.append(cover)
        cursors.append(axes.axvline(0.0, color=INK, lw=0.8, zorder=6))

    def show(k: int) -> None:
        now = length * (k + 1) / _FRAMES
        for cover, cursor in zip(covers, cursors, strict=True):
            cover.set_x(now)
            cursor.set_xdata([now, now])

    return Animation(figure, _FRAMES, show, _FAST)


def _kernels(evidence: Evidence, trial: int | None) -> Animation:
    """The kernel of each snapshot in turn, and at the end the one that was learned."""
    name = _snapshots(evidence) or ""
    shots = evidence.recording.snapshots[name]
    run: Run = evidence.run
    kernels = [*shots.values]
    # A snapshot is taken at the beginning of its trial.
    titles = [
        f"after {t} of {run.recording.n_trials} trials" if t > 0 else "before learning"
        for t in shots.trial
    ]
    if name in run.weights and not np.array_equal(run.weights[name], kernels[-1]):
        kernels.append(np.asarray(run.weights[name]))
        titles.append("at the end")
    figure = kernel_grid(kernels[0])
    axes = figure.axes[0]
    title = axes.set_title(f"{name}, {max(titles, key=len)}", loc="left", fontsize=_SIZE)

    def show(k: int) -> None:
        # The picture of the same figure of this kernel, whose frames and scales are the same.
        axes.images[0].set_data(kernel_grid(kernels[k]).axes[0].images[0].get_array())
        title.set_text(f"{name}, {titles[k]}")

    return Animation(figure, len(kernels), show, _SLOW)


#: Animations by name.
ANIMATIONS = {
    "raster": AnimationSpec("any spike", "name populations in record.spikes", _has_spikes, _raster),
    "membrane": AnimationSpec(
        "a signal", "name variables in record.signals", _has_signals, _membrane
    ),
    "kernels": AnimationSpec(
        "snapshots of a kernel of one or two channels",
        "set record.snapshots",
        _has_kernels,
        _kernels,
    ),
}


def save_animation(
    animation: Animation, folder: str | os.PathLike[str], name: str, *, mp4: bool = False
) -> Path:
    """Write an animation as ``name.gif`` or ``name.mp4``, completely or not at all.

    The same animation gives the same bytes.

    Parameters
    ----------
    animation : Animation
    folder : path
        Created if it does not exist.
    name : str
        Without an ending.
    mp4 : bool
        Write an MP4, which needs ffmpeg.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If ffmpeg is missing or fails, or the file cannot be written.
    """
    if mp4 and not FFMpegWriter.isAvailable():
        raise DataError(
            "ffmpeg, which writes MP4, is not installed; install it, or leave --mp4 out for a GIF",
            where=f"animation {name!r}",
        )
    path = Path(folder) / f"{name}.{'mp4' if mp4 else 'gif'}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as place:
            draft = Path(place) / path.name
            _write(animation, draft, _writer(animation.rate, mp4))
            write_atomically(draft.read_bytes(), path)
    except OSError as error:
        raise unwritable(error, folder, f"animation {name!r}") from None
    return path


def _writer(rate: int, mp4: bool) -> AbstractMovieWriter:
    if not mp4:
        return PillowWriter(fps=rate)
    exact = ["-pix_fmt", "yuv420p", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    return FFMpegWriter(fps=rate, codec="h264", extra_args=[*exact, "-threads", "1"])


def _write(animation: Animation, path: Path, writer: AbstractMovieWriter) -> None:
    figure = animation.figure
    with style():
        animation.show(0)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # the same layout in all frames
        try:
            with writer.saving(figure, str(path), _DOTS):
                for k in range(animation.frames):
                    animation.show(k)
                    writer.grab_frame()
        except (RuntimeError, ValueError) as error:
            said = " ".join(str(error).split())
            raise DataError(f"ffmpeg failed: {said}", where=path.name) from None
