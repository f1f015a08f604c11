"""A board of emulated cores; packets follow the routing tables that sPyNNaker made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scnnbio.backends.spinnaker.arm.core import Core

#: (x, y) of a chip; (x, y, processor) of a core.
Chip = tuple[int, int]
Place = tuple[int, int, int]


@dataclass(frozen=True)
class Route:
    """One entry of a chip's routing table.

    Parameters
    ----------
    key, mask : int
        It applies to packets with ``packet key & mask == key``.
    processors, links : tuple of int
        Processors and links to which it sends them.
    """

    key: int
    mask: int
    processors: tuple[int, ...]
    links: tuple[int, ...]


@dataclass
class Board:
    """Emulated cores, and the packets between them.

    Parameters
    ----------
    cores : mapping of (x, y, processor) to Core
        Booted, and paused before the first step.
    tables : mapping of (x, y) to list of Route
        In order of priority.
    neighbour : callable
        Chip at the other end of a chip's link.
    colours : int
        Number of lowest bits of a key that encode the step in which a packet was sent; routing
        ignores them.
    """

    cores: Mapping[Place, Core]
    tables: Mapping[Chip, list[Route]]
    neighbour: Callable[[Chip, int], Chip]
    colours: int
    delivered: int = 0
    _cache: dict[tuple[Chip, int], list[Core]] = field(default_factory=dict)

    def run(
        self,
        steps: int,
        inputs: Mapping[int, list[tuple[Chip, int]]],
        progress: Callable[[int], None],
    ) -> None:
        """Run all cores.

        Parameters
        ----------
        steps : int
        inputs : mapping of int to list of (chip, key)
            By step, packets of sources, which are not emulated.
        progress : callable
            Called with the number of steps done.
        """
        for core in self.cores.values():
            core.start(steps)
            core.expect("running")
        colour = (1 << self.colours) - 1
        for step in range(steps):
            for core in self.cores.values():
                core.tick(step)
                core.expect("running")
            packets = [(chip, key | step & colour) for chip, key in inputs.get(step, ())]
            for (x, y, _), core in self.cores.items():
                packets += [((x, y), key) for key in core.comms.sent]
                core.comms.sent.clear()
            for chip, key in packets:
                for core in self._targets(chip, key & ~colour):
                    core.receive(key)
                    self.delivered += 1
            progress(step + 1)
        # The tick after the last step makes the cores write their recordings.
        for core in self.cores.values():
            core.tick(steps)
            core.expect("waiting")

    def _targets(self, chip: Chip, key: int) -> list[Core]:
        """Cores that a packet reaches."""
        if (chip, key) not in self._cache:
            self._cache[chip, key] = [
                self.cores[place] for place in self._places(chip, key) if place in self.cores
            ]
        return self._cache[chip, key]

    def _places(self, chip: Chip, key: int) -> list[Place]:
        found: list[Place] = []
        waiting: list[tuple[Chip, int | None]] = [(chip, None)]
        seen = set()
        while waiting:
            here, came_by = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            entry = next((e for e in self.tables.get(here, ()) if key & e.mask == e.key), None)
            if entry is not None:
                found += [(*here, processor) for processor in entry.processors]
                waiting += [(self.neighbour(here, link), link) for link in entry.links]
            elif came_by is not None:
                # Without an entry a packet leaves by the link opposite to the one it arrived by.
                waiting.append((self.neighbour(here, came_by), came_by))
        return found
