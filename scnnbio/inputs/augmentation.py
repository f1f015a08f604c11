"""Random affine changes of images, so that training does not see the same image twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from scnnbio.errors import SpecError
from scnnbio.inputs.images import FromImages
from scnnbio.units import Degrees, Number, plain
from scnnbio.values import Value

_UNITS = {"shift": "1", "rotation": "deg", "scale": "1", "share": "1"}


@final
@dataclass(frozen=True)
class Augmentation(Value):
    """Ranges from which an image gets a shift, a rotation and a scale of its own.

    All three are drawn from uniform distributions, and apply about the middle of the image. Values
    between pixels are interpolated linearly, so edges become less sharp; what enters from outside
    is black.

    Parameters
    ----------
    shift : float
        Largest shift along each axis, in pixels.
    rotation : float
        Largest angle in either direction (deg).
    scale : float
        Largest change of size, as a share: 0.1 draws factors from 0.9 to 1.1.
    share : float
        Share of the images that change, each by a draw of its own; the others stay as they are.

    Raises
    ------
    SpecError
        If a range is negative, the scale is not below 1, the share is above 1, or no image would
        change.
    """

    shift: Number = 0.0
    rotation: Degrees = 0.0
    scale: Number = 0.0
    share: Number = 1.0

    def __post_init__(self) -> None:
        for name, unit in _UNITS.items():
            where = f"augmentation.{name}"
            value = plain(getattr(self, name), unit, where=where)
            if not 0.0 <= value < np.inf:
                raise SpecError(f"{value:g} is not a range from 0 up", where=where)
            object.__setattr__(self, name, value)
        if self.scale >= 1.0:
            raise SpecError(
                f"{self.scale:g} is not below 1: an image would shrink to nothing",
                where="augmentation.scale",
            )
        if self.share > 1.0:
            raise SpecError(f"{self.share:g} is above 1", where="augmentation.share")
        if not self.share or not (self.shift or self.rotation or self.scale):
            raise SpecError(
                "no image would change; give a share, and a shift, a rotation or a scale above 0",
                where="augmentation",
            )

    def of(self, given: FromImages, rng: np.random.Generator) -> FromImages:
        """Other images for the same trials.

        Parameters
        ----------
        given : FromImages
        rng : numpy.random.Generator

        Returns
        -------
        FromImages
            With the labels, code and duration of those given, and values of the same type.
        """
        values = given.values.copy()
        middle = (np.array(values.shape[2:]) - 1) / 2.0
        changed = rng.random(len(values)) < self.share
        for k, matrix, shift in zip(
            np.flatnonzero(changed), *self._drawn(int(changed.sum()), rng), strict=True
        ):
            # A pixel of the new image at p has the value of the old one at matrix @ p + offset.
            offset = middle - matrix @ (middle + shift)
            for channel, old in zip(values[k], given.values[k], strict=True):
                new = affine_transform(
                    old, matrix, offset, output=np.float64, order=1, mode="constant"
                )
                channel[...] = new.round() if values.dtype == np.uint8 else new.clip(0.0, 1.0)
        return FromImages(
            values.transpose(0, 2, 3, 1), given.code, given.duration, dict(given.columns)
        )

    def _drawn(
        self, n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Inverse matrices (n, 2, 2) and shifts (n, 2) in rows and columns."""
        shift = rng.uniform(-self.shift, self.shift, (n, 2))
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation, n))
        factor = rng.uniform(1.0 - self.scale, 1.0 + self.scale, n)
        cosine, sine = np.cos(angle) / factor, np.sin(angle) / factor
        matrix: Any = np.array([[cosine, sine], [-sine, cosine]])
        return matrix.transpose(2, 0, 1), shift
