"""Natural scenes under eye movements: fixations, drift and saccades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import DataError, SpecError
from scnnbio.stimuli.base import Files, bounded, count, positive
from scnnbio.stimuli.photographs import absolute, sample_patch
from scnnbio.stimuli.pictures import Library, load_photographs
from scnnbio.stimuli.screen import OnScreen, aperture, numbers
from scnnbio.units import Degrees, Milliseconds, Number

Array = NDArray[np.float64]

#: Number of landing places that are tried before one is drawn from the whole photograph.
_MAX_DRAWS = 100


@final
@dataclass(frozen=True)
class NaturalScenes(OnScreen):
    """Movies of a photograph under fixations, drift and saccades.

    The screen, the repeats, the blanks and the order of trials are those of
    :class:`~scnnbio.stimuli.screen.OnScreen`. A pixel of the (reduced) photograph is a pixel of
    the screen.

    Parameters
    ----------
    images : str
        ``"bundled"``, or the path of a folder; as for :class:`~scnnbio.stimuli.Photographs`.
    sequences : int
        Number of different movies; each is shown ``repeats`` times.
    fixation : float
        Mean duration of a fixation (ms).
    regularity : float
        Shape of the gamma distribution of these durations; 1 is exponential, more is more
        regular. Each lasts a frame at least.
    saccade : float
        Mean amplitude of a saccade (deg); amplitudes are exponential, directions uniform.
    drift : float
        Diffusion constant of the gaze within a fixation (deg^2/s): the variance along each axis
        grows by twice it per second. 0 for no drift.
    reduce : int
        Photographs are first reduced by averaging blocks of ``reduce`` x ``reduce`` pixels.
    diameters : tuple of float
        Of a round aperture at the centre of the screen, beyond which there is mean grey (deg); none
        for the whole screen. The movie of a sequence is the same at each diameter.
    edge : float
        Width of the soft edge of the aperture (deg), as of
        :class:`~scnnbio.stimuli.GratingPatches`.

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    A saccade takes no time: it falls between two frames. The gaze stays where the frame is wholly
    inside the photograph; a saccade that would leave is drawn again, and drift ends at the border.
    Photographs are chosen with a probability proportional to their area. Sampling is bilinear.

    References
    ----------
    Vinje WE, Gallant JL (2000) Sparse coding and decorrelation in primary visual cortex during
    natural vision. Science 287:1273-1276.
    """

    paths: ClassVar[tuple[str, ...]] = ("images",)
    no_paths: ClassVar[tuple[str, ...]] = ("bundled",)

    images: str = "bundled"
    sequences: int = 10
    fixation: Milliseconds = 300.0
    regularity: Number = 4.0
    saccade: Degrees = 2.0
    drift: Number = 0.0
    reduce: int = 1
    diameters: tuple[Degrees, ...] = ()
    edge: Degrees = 0.0
    kind: Literal["natural-scenes"] = field(default="natural-scenes", kw_only=True)

    def _check(self) -> None:
        self._set(
            images=absolute(str(self.images), self.no_paths),
            sequences=count(self.sequences, "stimulus.sequences"),
            fixation=positive(self.fixation, "ms", "stimulus.fixation"),
            regularity=positive(self.regularity, "1", "stimulus.regularity"),
            saccade=positive(self.saccade, "deg", "stimulus.saccade"),
            drift=bounded(self.drift, "1", "stimulus.drift"),
            reduce=count(self.reduce, "stimulus.reduce"),
            edge=bounded(self.edge, "deg", "stimulus.edge"),
        )
        none = not isinstance(self.diameters, str) and not np.size(self.diameters)
        self._set(diameters=() if none else numbers(self.diameters, "deg", "diameters"))
        for diameter in self.diameters:
            if diameter <= 0 or diameter < self.edge:
                raise SpecError(
                    f"an aperture of {diameter:g} deg with an edge of {self.edge:g} deg is nowhere"
                    " open; enlarge it",
                    where="stimulus.diameters",
                )

    def _factors(self) -> dict[str, tuple[float, ...]]:
        shown = {"sequence": tuple(map(float, range(self.sequences)))}
        return shown | ({"diameter": self.diameters} if self.diameters else {})

    @cached_property
    def _library(self) -> Library:
        """The photographs as first read, so that they do not change during a run."""
        return load_photographs(self.images, self.reduce)

    @property
    def files(self) -> Files:
        """The photographs with their digests, and the skipped files of their folder.

        Raises
        ------
        DataError
            If the folder or a file in it cannot be used.
        """
        return self._library.files

    def _movie(self, condition: Mapping[str, float], shape: tuple[int, int]) -> Array:
        rng = self._content(condition["sequence"])
        image, _ = self._library.choose(rng.random())
        room = np.array(image.shape) - np.array(shape)
        if room.min() < 1:
            raise DataError(
                f"a photograph of {image.shape[0]} x {image.shape[1]} pixels has no room for a "
                f"gaze over {shape[0]} x {shape[1]}; use larger photographs or a smaller reduce",
                where="stimulus.images",
            )
        corner = (np.array(shape) - 1) / 2
        gaze = self._path(room.astype(np.float64), rng) + corner
        frames = np.empty((len(gaze), *shape))
        for i, (row, column) in enumerate(gaze):
            if i and (gaze[i] == gaze[i - 1]).all():
                frames[i] = frames[i - 1]
            else:
                frames[i] = sample_patch(image, shape, (row, column), 0.0, 1.0)
        if self.diameters:
            x, y = self._grid(shape)
            frames *= aperture(np.hypot(x, y), condition["diameter"], self.edge)
        return frames

    def _path(self, room: Array, rng: np.random.Generator) -> Array:
        """Upper left corner of the frame in the photograph, (n_frames, 2) pixels."""
        n = self.n_frames
        begins = self._begins(rng)
        steps = np.sqrt(2 * self.drift / self.frame_rate) * self.pixels_per_degree
        wander = steps * rng.standard_normal((n, 2))
        here = rng.uniform(0.0, room)
        path = np.empty((n, 2))
        for frame in range(n):
            if frame and begins[frame]:
                here = self._landing(here, room, rng)
            elif frame and self.drift > 0:
                here = np.clip(here + wander[frame], 0.0, room)
            path[frame] = here
        return path

    def _begins(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Whether a fixation begins at each frame."""
        most = self.n_frames
        lasts = rng.gamma(self.regularity, self.fixation / self.regularity, most)
        lengths = np.maximum(np.rint(lasts * self.frame_rate / 1e3), 1).astype(np.int64)
        first = np.concatenate([[0], np.cumsum(lengths)])
        begins = np.zeros(most, dtype=bool)
        begins[first[first < most]] = True
        return begins

    def _landing(self, here: Array, room: Array, rng: np.random.Generator) -> Array:
        for _ in range(_MAX_DRAWS):
            angle = rng.uniform(0.0, 2 * np.pi)
            jump = rng.exponential(self.saccade) * self.pixels_per_degree
            there = here + jump * np.array([np.sin(angle), np.cos(angle)])
            if (there >= 0).all() and (there <= room).all():
                return np.asarray(there)
        return np.asarray(rng.uniform(0.0, room))
