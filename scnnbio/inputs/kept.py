"""What draws the spikes of a stimulus, kept for the trials and stages that show it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from scnnbio.encoding.codes import Sampler
from scnnbio.stimuli.base import Files

#: Bytes that are kept at most, in each process.
_MOST_BYTES = 128 * 2**20


class Shown(NamedTuple):
    """A stimulus before cells: inputs for which it is equal draw from the same tables."""

    #: Digests of the stimulus and of the encoding, and the files of which frames are made.
    stimulus: str
    encoding: str
    files: Files
    shape: tuple[int, int, int]
    dt: float


class Kept:
    """Samplers of the conditions that were shown, up to a number of bytes.

    Conditions are shown in cycles, so that to drop the one that was used longest ago would drop
    each just before its next use. What is kept stays, therefore, until another stimulus needs the
    room. A condition for which there is no room is prepared each time.
    """

    def __init__(self, most: int = _MOST_BYTES) -> None:
        self._most = most
        self._found: dict[Shown, dict[int, tuple[Sampler, int]]] = {}
        self._bytes = 0

    def of(
        self, shown: Shown, condition: int, prepare: Callable[[], tuple[Sampler, int]]
    ) -> Sampler:
        """Sampler of a condition, prepared unless it is kept.

        Parameters
        ----------
        shown : Shown
        condition : int
        prepare : callable
            Returns the sampler and its size in bytes.
        """
        ours = self._found.setdefault(shown, {})
        if condition in ours:
            return ours[condition][0]
        sampler, size = prepare()
        for other in [key for key in self._found if key != shown]:
            if self._bytes + size <= self._most:
                break
            self._bytes -= sum(size for _, size in self._found.pop(other).values())
        if self._bytes + size <= self._most:
            ours[condition] = sampler, size
            self._bytes += size
        return sampler


KEPT = Kept()
