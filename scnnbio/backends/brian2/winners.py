"""Competition in generated code: winners and silenced neurons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scnnbio.backends.brian2.procedural import Procedural


class Competition(Procedural):
    """Decides which of the neurons that crossed threshold fire, and which learn.

    The event space of ``group`` then has the neurons that fire, followed by the silenced ones,
    whose number is ``_muted``. ``_winners`` is the event space of the neurons that learn. ``code``
    sets ``excess`` from the variables of ``ends``, each a group, a suffix, and ``_post_idx`` (the
    neuron) or ``_map_idx`` (its map). ``period`` is the length of a trial in steps.
    """

    def __init__(
        self,
        group: Any,
        ends: Sequence[tuple[Any, str, str]],
        code: str,
        shape: tuple[int, int, int],
        radius: int,
        limit: int,
        silence: bool,
        period: int,
        slot: tuple[str, int],
        name: str,
    ) -> None:
        self._begin(name)
        maps, rows, columns = shape
        size = len(group)
        variables = self.variables
        variables.add_constant("N", size)
        for index in ("_post_idx", "_map_idx"):
            self._add_index(index)
        variables.add_reference("_eventspace", group, "_spikespace")
        variables.add_array("excess", size=size, index="_post_idx")
        variables.add_array("_winners", size=size + 1, dtype=np.int32, read_only=True)
        variables.add_array("_muted", size=1, dtype=np.int32, read_only=True, index="0")
        # Position of each map's winner, and the map that fired first at each position; 0 for none.
        variables.add_array("_won", size=maps, dtype=np.int32, read_only=True, index="_map_idx")
        variables.add_array("_owner", size=rows * columns, dtype=np.int32, read_only=True)
        for end, suffix, index in ends:
            self._see(end, suffix, index)
        options = {"O": maps, "OW": columns, "places": rows * columns, "period": period}
        options |= {"radius": radius, "limit": limit, "silence": silence}
        self._finish("competition", code, group, slot, options)
        self.needed_variables += ["excess", "_winners", "_muted", "_won", "_owner"]
        for end, *_ in ends:
            self.add_dependency(end)


class Silenced(Procedural):
    """Adds the silenced neurons of a competition to the spikes of its group, or removes them."""

    def __init__(
        self, gate: Competition, group: Any, counted: bool, slot: tuple[str, int], name: str
    ) -> None:
        self._begin(name)
        self.variables.add_constant("N", len(group))
        self.variables.add_reference("_eventspace", group, "_spikespace")
        self.variables.add_reference("_muted", gate, "_muted", index="0")
        self._finish("silenced", "", group, slot, {"counted": counted})
        self.needed_variables += ["_muted"]
        self.add_dependency(gate)
