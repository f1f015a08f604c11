"""Unfiltered luminance, for experiments on neurons rather than vision."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, final

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.units import In, plain_array
from scnnbio.values import Value


@final
@dataclass(frozen=True)
class Pixels(Value):
    """One ON and one OFF cell per pixel, linear, without a filter in space or time.

    The drive is the luminance (ON) and its negative (OFF), not rectified; the code rectifies the
    rates. A Poisson code gives the rates ``spontaneous + gain L`` and ``spontaneous - gain L``, cut
    at zero, which a flicker within ``spontaneous/gain`` modulates sinusoidally and in antiphase.
    """

    kind: Literal["pixels"] = field(default="pixels", kw_only=True)

    @property
    def margin(self) -> int:
        """0: no pixels beyond the cells."""
        return 0

    def drive(self, frames: Annotated[np.ndarray, In("1")]) -> np.ndarray:
        """Drive of the ON and the OFF cells.

        Parameters
        ----------
        frames : numpy.ndarray
            (n, rows, columns), contrast units.

        Returns
        -------
        numpy.ndarray
            (n, 2, rows, columns), signed; ON at index 0, OFF at index 1.

        Raises
        ------
        SpecError
            If the frames are not of that form.
        """
        frames = plain_array(frames, "1", where="frames")
        if frames.ndim != 3 or not frames.size:
            raise SpecError(
                f"frames have shape {frames.shape}; give (n, rows, columns)", where="encoding.lgn"
            )
        return np.stack([frames, -frames], axis=1)
