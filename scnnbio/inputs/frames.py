"""Frames of a stimulus, turned into the spikes of ON and OFF cells by an encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding import Encoding
from scnnbio.errors import SpecError
from scnnbio.inputs.base import Draw, Input, Shape, Trial
from scnnbio.inputs.foreign import checked_frames, checked_spikes
from scnnbio.stimuli import Stimulus
from scnnbio.stimuli.base import Files
from scnnbio.units import In


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
        _, rows, columns = draw.shape
        margin = self.encoding.margin
        shape = (rows + 2 * margin, columns + 2 * margin)
        frames = self.stimulus.frames(trial, shape, draw.scene)
        return checked_frames(frames, shape, self.stimulus)

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial. See :meth:`Input.spikes`."""
        frames = self.frames(trial, draw)
        found = self.encoding.spikes(frames, self.duration, draw.dt, draw.rng)
        return checked_spikes(found, self.encoding.code, self.duration, draw)

    def table(self) -> dict[str, NDArray[Any]]:
        """Parameters of the stimulus that differ between trials."""
        return self.stimulus.table()
