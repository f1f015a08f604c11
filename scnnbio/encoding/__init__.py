"""From frames to the spikes of the lateral geniculate nucleus (LGN).

Frames pass a difference of Gaussians, which ON and OFF cells share by its sign, and a code turns
the cells' drive into spikes. Spikes are on the grid: a spike of step k is stamped ``k * dt``, with
1 <= k <= n_steps. Cells are numbered as the flattened (2, rows, columns), ON first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, final

import numpy as np

from scnnbio.encoding.checks import set_numbers
from scnnbio.encoding.codes import Code, LatencyCode, Sampler
from scnnbio.encoding.delta import DeltaCode
from scnnbio.encoding.jitter import JitteredCode, ThinnedCode
from scnnbio.encoding.lgn import LGN
from scnnbio.encoding.pixels import Pixels
from scnnbio.encoding.rates import PoissonCode, RateCode, RegularCode
from scnnbio.encoding.renewal import GammaCode, RefractoryCode
from scnnbio.encoding.retina import Retina
from scnnbio.encoding.timing import BurstCode, PhaseCode
from scnnbio.registry import Registry, subclasses
from scnnbio.units import In, Milliseconds, Number, plain
from scnnbio.values import Value, fields_of

__all__ = [
    "CODES",
    "LGN",
    "BurstCode",
    "Code",
    "DeltaCode",
    "Encoding",
    "GammaCode",
    "JitteredCode",
    "LatencyCode",
    "PhaseCode",
    "Pixels",
    "PoissonCode",
    "RateCode",
    "RefractoryCode",
    "RegularCode",
    "Retina",
    "ThinnedCode",
]

#: All codes by their kind in a document.
CODES: Registry[type[Code]] = Registry(
    "code",
    "scnnbio.codes",
    {
        "latency": "scnnbio.encoding:LatencyCode",
        "poisson": "scnnbio.encoding:PoissonCode",
        "gamma": "scnnbio.encoding:GammaCode",
        "refractory": "scnnbio.encoding:RefractoryCode",
        "regular": "scnnbio.encoding:RegularCode",
        "phase": "scnnbio.encoding:PhaseCode",
        "burst": "scnnbio.encoding:BurstCode",
        "delta": "scnnbio.encoding:DeltaCode",
        "jittered": "scnnbio.encoding:JitteredCode",
        "thinned": "scnnbio.encoding:ThinnedCode",
    },
    subclasses(Code, name="kind", described=True),
)


@final
@dataclass(frozen=True)
class Encoding(Value):
    """Conversion of frames to spikes: LGN cells and their code.

    Parameters
    ----------
    lgn : LGN, Retina or Pixels
        The filter; :class:`Pixels` for none.
    code : Code
        :class:`LatencyCode`, :class:`PoissonCode` or another.
    gain_spread : float
        Standard deviation, over trials, of the logarithm of a factor of mean 1 on the drive, which
        all cells of the layer share; 0 for none.

    Raises
    ------
    SpecError
        If the spread is negative.

    References
    ----------
    Goris RLT, Movshon JA, Simoncelli EP (2014) Partitioning neuronal variability. Nat Neurosci
    17:858-865.
    """

    lgn: LGN | Retina | Pixels = field(default_factory=LGN)
    code: Code = field(default_factory=LatencyCode)
    gain_spread: Number = 0.0

    def __post_init__(self) -> None:
        set_numbers(self, "encoding", "1", "gain_spread")

    def canonical_fields(self) -> dict[str, Any]:
        """Content; an encoding without a shared gain is what it was before there was one."""
        fields = fields_of(self)
        return fields if self.gain_spread else {n: fields[n] for n in ("lgn", "code")}

    @property
    def margin(self) -> int:
        """Number of pixels that a frame must have beyond the cells on each side."""
        return self.lgn.margin

    def spikes(
        self,
        frames: Annotated[np.ndarray, In("1")],
        duration: Milliseconds,
        dt: Milliseconds,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial.

        Parameters
        ----------
        frames : numpy.ndarray
            (n, rows + 2 margin, columns + 2 margin), contrast units.
        duration : float
            Of the trial (ms), a whole number of steps.
        dt : float
            Time step (ms).
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        step, unit : numpy.ndarray
            As :meth:`Code.spikes` gives them; units of the flattened (2, rows, columns).

        Raises
        ------
        SpecError
            If frames, duration or time step do not fit.
        """
        return self.sampler(self.drive(frames, duration), duration, dt)(rng)

    def drive(self, frames: Annotated[np.ndarray, In("1")], duration: Milliseconds) -> np.ndarray:
        """Drive of the cells in one trial, (n, 2, rows, columns).

        Parameters
        ----------
        frames : numpy.ndarray
            (n, rows + 2 margin, columns + 2 margin), contrast units.
        duration : float
            Of the trial (ms).
        """
        length = plain(duration, "ms", where="duration")
        # A retina responds over time, and needs the duration of the frames.
        if isinstance(self.lgn, Retina):
            return self.lgn.drive(frames, length)
        return self.lgn.drive(frames)

    def sampler(
        self, drive: Annotated[np.ndarray, In("1")], duration: Milliseconds, dt: Milliseconds
    ) -> Sampler:
        """Prepare the spikes of several trials of one drive. See :meth:`Code.sampler`."""
        if not self.gain_spread:
            return self.code.sampler(drive, duration, dt)

        def drawn(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
            return self.code.spikes(drive * self._gain(rng), duration, dt, rng)

        return drawn

    def spikes_of(
        self,
        pictures: Annotated[np.ndarray, In("1")],
        duration: Milliseconds,
        dt: Milliseconds,
        rngs: Sequence[np.random.Generator],
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Spikes of several trials of one frame each, filtered together.

        Parameters
        ----------
        pictures : numpy.ndarray
            (trials, rows + 2 margin, columns + 2 margin), contrast units.
        duration : float
            Of each trial (ms).
        dt : float
            Time step (ms).
        rngs : sequence of numpy.random.Generator
            One per trial.

        Returns
        -------
        list
            What :meth:`spikes` returns for each.
        """
        drives = self.lgn.drive(pictures)[:, None]
        if self.gain_spread:
            gains = np.array([self._gain(rng) for rng in rngs])
            drives = drives * gains[:, None, None, None, None]
        return self.code.spikes_of(drives, duration, dt, rngs)

    def _gain(self, rng: np.random.Generator) -> float:
        """Gain of one trial, of mean 1."""
        return math.exp(self.gain_spread * (rng.standard_normal() - self.gain_spread / 2))
