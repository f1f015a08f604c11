"""Frames of a stimulus, turned into the spikes of ON and OFF cells by an encoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding import LGN, Encoding, Pixels, PoissonCode
from scnnbio.encoding.codes import Sampler
from scnnbio.encoding.thinning import drawn_of
from scnnbio.errors import SpecError
from scnnbio.inputs.base import Draw, Input, Shape, Trial
from scnnbio.inputs.foreign import checked_frames, checked_spikes
from scnnbio.inputs.kept import KEPT, Shown
from scnnbio.stimuli import Photographs, Stimulus
from scnnbio.stimuli.base import Files
from scnnbio.units import In

#: Number of pictures that are filtered together: most of the gain, and still in a core's cache.
_AT_ONCE = 64
#: Number of trials of which Poisson spikes are drawn side by side: most of the gain.
_SIDE_BY_SIDE = 8


@final
@dataclass(frozen=True, eq=False)
class FromFrames(Input):
    """A stimulus whose frames an encoding turns into spikes of ON and OFF cells.

    Sources that show equal stimuli, with frames of equal size, see the same frames. Their spikes
    are drawn independently.

    Parameters
    ----------
    stimulus : Stimulus
        Yields the frames of each trial.
    encoding : Encoding
        Turns them into spikes of a source of two channels, ON first.

    Raises
    ------
    SpecError
        If one of them is of another kind, or they differ in the pixels per degree.
    """

    stimulus: Stimulus
    encoding: Encoding

    def __post_init__(self) -> None:
        for name, kind in (("stimulus", Stimulus), ("encoding", Encoding)):
            if not isinstance(getattr(self, name), kind):
                raise SpecError(
                    f"{getattr(self, name)!r} is not of the type {kind.__name__}", where=name
                )
        self._check_scale()

    def _check_scale(self) -> None:
        """Raise if the stimulus and the filter differ in pixels per degree."""
        shown = getattr(self.stimulus, "pixels_per_degree", None)
        seen = getattr(self.encoding.lgn, "pixels_per_degree", None)
        if shown is not None and seen is not None and shown != seen:
            raise SpecError(
                f"the stimulus has {shown:g} pixels per degree and the retina {seen:g}; make them "
                "equal",
                where="encoding.lgn.pixels_per_degree",
            )

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self.stimulus.n_trials

    @property
    def duration(self) -> float:
        """Duration of one trial (ms)."""
        return self.stimulus.duration

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """Two channels, ON and OFF, of any size."""
        return (2, None, None)

    def check_shape(self, name: str, shape: Shape) -> None:
        """Raise unless a source has two channels. See :meth:`Input.check_shape`."""
        if shape[0] != 2:
            raise SpecError(
                f"the source has {shape[0]} channels; the encoding drives two, ON and OFF",
                where=f"population {name!r}",
            )

    @property
    def files(self) -> Files:
        """The files from which the frames are made."""
        return self.stimulus.files

    def frames(self, trial: int, draw: Draw) -> Annotated[NDArray[np.float64], In("1")]:
        """Frames of one trial, in the size that the encoding needs.

        Parameters
        ----------
        trial : int
        draw : Draw

        Returns
        -------
        numpy.ndarray
            (n_frames, rows + 2 margin, columns + 2 margin), contrast units.
        """
        shape = self._size(draw)
        frames = self.stimulus.frames(trial, shape, draw.scene)
        return checked_frames(frames, shape, self.stimulus)

    def _size(self, draw: Draw) -> tuple[int, int]:
        """Rows and columns of the frames."""
        _, rows, columns = draw.shape
        margin = self.encoding.margin
        return rows + 2 * margin, columns + 2 * margin

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial. See :meth:`Input.spikes`."""
        found = self._sampler(trial, draw)(draw.rng)
        return checked_spikes(found, self.encoding.code, self.duration, draw)

    @property
    def at_once(self) -> int:
        """Number of trials that are best drawn together. See :meth:`Input.at_once`."""
        if isinstance(self.stimulus, Photographs):
            return _AT_ONCE
        return _SIDE_BY_SIDE if isinstance(self.encoding.code, PoissonCode) else 1

    def spikes_of(self, trials: Sequence[int], draws: Sequence[Draw]) -> list[Trial]:
        """Spikes of several trials. See :meth:`Input.spikes_of`."""
        pictures = None
        if len(trials) > 1 and isinstance(self.encoding.lgn, LGN | Pixels):
            scenes = [draw.scene for draw in draws]
            pictures = self.stimulus.pictures(trials, self._size(draws[0]), scenes)
        rngs = [draw.rng for draw in draws]
        if pictures is not None:
            spikes = self.encoding.spikes_of(pictures, self.duration, draws[0].dt, rngs)
        else:
            samplers = [self._sampler(t, draw) for t, draw in zip(trials, draws, strict=True)]
            spikes = drawn_of(samplers, rngs)
        code, duration = self.encoding.code, self.duration
        return [
            checked_spikes(found, code, duration, draw)
            for found, draw in zip(spikes, draws, strict=True)
        ]

    def _sampler(self, trial: int, draw: Draw) -> Sampler:
        """What draws the spikes of a trial; trials that show the same have the same."""
        condition = self.stimulus.condition(trial)
        if condition is None:
            return self._prepared(trial, draw)[0]
        key = Shown(*self._identity, draw.shape, draw.dt)
        return KEPT.of(key, condition, lambda: self._prepared(trial, draw))

    def _prepared(self, trial: int, draw: Draw) -> tuple[Sampler, int]:
        """What draws the spikes of a trial, and about how many bytes it keeps."""
        drive = self._drive(trial, draw)
        return self.encoding.sampler(drive, self.duration, draw.dt), 2 * drive.nbytes

    def _drive(self, trial: int, draw: Draw) -> NDArray[np.float64]:
        lgn = self.encoding.lgn
        if isinstance(lgn, LGN) and self.encoding.code.tolerates_rounding:
            shown = self.stimulus.separated(trial, self._size(draw))
            if shown is not None:
                return lgn.drive_of(shown)
        return self.encoding.drive(self.frames(trial, draw), self.duration)

    @cached_property
    def _identity(self) -> tuple[str, str, Files]:
        """Content of the input, files included."""
        return self.stimulus.digest(), self.encoding.digest(), self.files

    def table(self) -> dict[str, NDArray[Any]]:
        """Parameters of the stimulus that differ between trials."""
        return self.stimulus.table()
