"""The step of a layer in generated C++: update, refractoriness and threshold in one pass.

For a large layer the state update takes most of a run's time, and memory access limits it. So each
state is read once and written once per step. Refractoriness and the comparison with the threshold
are bits in registers; constants are single numbers, or one per channel, repeated over a tile that
fits in the first-level cache. The arithmetic is that of the runtime's expressions, in the same
order. If neurons can sleep (:mod:`scnnbio.backends.brian2.sleeping`) the pass skips those that do,
and computes their missed steps with the same expressions and other constants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.brian2.lists import add_table
from scnnbio.backends.brian2.procedural import Procedural, set_sleep
from scnnbio.backends.brian2.sleeping import Sleep
from scnnbio.backends.notation import BRIAN2
from scnnbio.neurons.integrator import Integrator
from scnnbio.neurons.whitelist import check_expression

#: Steps of a test phase in which neurons may sleep, and of the pause after it if sleeping did not
#: save time: the first pause, and the longest, since pauses grow.
_TRY, _REST, _LONGEST_REST = 16, 496, 3968
#: By bytes per number: largest work for skipping neurons, as a fraction of the work for updating
#: all. Work is counted in updates of a machine word; other costs were measured, and are larger for
#: short words.
_LIMIT = {8: 0.75, 4: 0.3}
#: The same where one pass updates and another tests: such layers have few states, so that a step
#: costs little beside a spike.
_SPLIT_LIMIT = {8: 0.5, 4: 0.25}


@dataclass(frozen=True)
class Rules:
    """The step of a layer, as expressions of its states and constants.

    Parameters
    ----------
    updates : mapping of str to str
        State → its value after the step, from states at the beginning of the step.
    threshold : str
        Condition under which a neuron that is not refractory fires.
    resets : tuple of (str, str, str)
        Statements (name, operator, expression) at a spike; empty if Brian2 itself resets neurons
        later.
    held : tuple of str
        States that a refractory neuron holds.
    constants : mapping of str to ndarray (1,) or (period,)
    channels : int
        Number of channels; neurons are in the order channel last.
    period : int
        Number of neurons after which constants repeat: the channels, or all neurons.
    max_refractory : int
        The longest refractory period in steps.
    trial : int
        Length of a trial in steps.
    resets_trials : bool
        Whether all states are reset when a trial begins.
    sleep : Sleep, optional
        How neurons sleep, if they can.
    levels : mapping of str to Brian2 group
        Constants that change: name → group with the values as its ``level`` (channels,).
    """

    updates: Mapping[str, str]
    threshold: str
    resets: tuple[tuple[str, str, str], ...]
    held: tuple[str, ...]
    constants: Mapping[str, NDArray[np.float64]]
    channels: int
    period: int
    max_refractory: int
    trial: int
    resets_trials: bool
    sleep: Sleep | None = None
    levels: Mapping[str, Any] = field(default_factory=dict)

    def update_code(self) -> str:
        """Abstract code of the update: every new value before any is assigned."""
        lines = [f"_new_{name} = {_lowered(text)}" for name, text in self.updates.items()]
        return "\n".join(lines + [f"{name} = _new_{name}" for name in self.updates])

    def reset_code(self) -> str:
        """Abstract code of the reset."""
        return "\n".join(f"{name} {op} {_lowered(text)}" for name, op, text in self.resets)

    def threshold_code(self) -> str:
        """The threshold in Brian2's notation."""
        names = {name: name for name in check_expression(self.threshold)}
        return BRIAN2.condition(self.threshold, names)

    def names(self) -> set[str]:
        """All names in the expressions."""
        texts = [*self.updates.values(), *(text for _, _, text in self.resets), self.threshold]
        texts += self.sleep.reaches.values() if self.sleep else []
        return set().union(*map(check_expression, texts))

    def at_a_spike(self) -> set[str]:
        """Names that determine a spike, and names that a spike changes."""
        reads = {n for name, _, text in self.resets for n in {name} | check_expression(text)}
        return reads | check_expression(self.threshold) | set(self.held)


def _lowered(text: str) -> str:
    return BRIAN2.number(text, {name: name for name in check_expression(text)})


class Step(Procedural):
    """One pass over a layer: the update, the test against the threshold, or both at once.

    Neurons that are above threshold and not refractory are listed in ``_listed``, from which
    :class:`Fire` makes spikes. A pass that only updates reads the list of ``test`` from the
    previous step, which has the neurons that may have become refractory. Neurons sleep by name of
    the pass that updates them.
    """

    def __init__(
        self,
        group: Any,
        rules: Rules,
        slot: tuple[str, int],
        name: str,
        parts: Sequence[str],
        test: Step | None = None,
    ) -> None:
        self._begin(name)
        size, variables = len(group), self.variables
        variables.add_constant("N", size)
        variables.add_auxiliary_variable("_cond", dtype=bool)
        if test is None:
            variables.add_array("_listed", size=size + 1, dtype=np.int32)
        else:
            variables.add_reference("_listed", test, "_listed")
        for state in rules.updates:
            variables.add_reference(state, group, state)
        waits = rules.max_refractory > 0
        if waits:
            variables.add_reference("free_at", group, "free_at")
        code = {"update": rules.update_code(), "test": f"_cond = {rules.threshold_code()}"}
        code["reset"] = rules.reset_code()
        code = {part: code[part] for part in parts}
        sleep, updates, tests = rules.sleep, "update" in parts, "test" in parts
        if sleep is not None:
            if updates:
                set_sleep(group, name, sleep)
            if test is None:
                variables.add_array("_phase", size=4, dtype=np.int32, index="0")
            else:
                variables.add_reference("_phase", test, index="0")
        if sleep is not None and tests:
            variables.add_auxiliary_variable("_reach", dtype=b2.prefs.core.default_float_dtype)
            code |= {
                f"reach_{n}": f"_reach = {_lowered(text)}" for n, text in sleep.reaches.items()
            }
        options = {
            "updates": updates,
            "tests": tests,
            "resets": "reset" in parts,
            "holds": list(rules.held) if waits and updates else [],
            "masks": waits and bool(rules.held),
            "waits": waits,
            "slots": 1 << rules.max_refractory.bit_length(),
            "period": rules.trial if rules.resets_trials else 0,
            "size": size,
            "states": list(rules.updates),
            "sleeps": _update_of(group) if sleep else "",
            "horizons": sorted(sleep.reaches, reverse=True) if sleep and tests else [],
            "trial": rules.trial,
            "try": _TRY,
            "rest": _REST,
            "longest_rest": _LONGEST_REST,
            "limit": (_LIMIT if updates and tests else _SPLIT_LIMIT)[
                np.dtype(b2.prefs.core.default_float_dtype).itemsize
            ],
            **self._add_constants(group, rules, sleep, updates, tests),
        }
        self._finish("step", code, group, slot, options)
        self.needed_variables += ["_phase"] if sleep else []
        self.needed_variables += ["_listed"]
        self.needed_variables += options["holds"]
        self.needed_variables += ["free_at"] if waits else []
        self.needed_variables += [n for pair in options["levels"] for n in pair]
        self.add_dependency(group)

    def _add_constants(
        self, group: Any, rules: Rules, sleep: Sleep | None, updates: bool, tests: bool
    ) -> dict[str, Any]:
        """Add constants as numbers, or as tiles of one number per channel; template options."""
        real = np.dtype(b2.prefs.core.default_float_dtype)
        size = len(group)
        # Words can begin anywhere in the tile, and tiles begin at a first channel.
        word = 8 * real.itemsize
        tile = min(math.lcm(rules.period, word), -(-size // word) * word)
        tiled, used = [], rules.names()
        for index in ("_lane_idx", "_power_idx", "_power_lane_idx"):
            self.variables.add_auxiliary_variable(index, dtype=np.int32)
        powers = sleep.powers if sleep and updates else {}
        numbers: list[str] = []
        for name, values in powers.items():
            if np.all(values == values[:, :1]):
                add_table(self.variables, name, values[:, 0].astype(real), "_power_idx")
                numbers.append(name)
            else:
                rows = [np.resize(row, tile) for row in values]
                add_table(
                    self.variables, name, np.concatenate(rows).astype(real), "_power_lane_idx"
                )
                tiled.append(name)
        constants = {**rules.constants, **(sleep.constants if sleep and tests else {})}
        for name, values in constants.items():
            if name not in used or name in rules.levels or name in powers:
                continue
            if np.all(values == values[0]):
                self.variables.add_constant(name, real.type(values[0]))
            else:
                add_table(self.variables, name, np.resize(values, tile).astype(real), "_lane_idx")
                tiled.append(name)
        levels = []
        for name, levels_group in rules.levels.items():
            if name in used:
                self.variables.add_array(
                    name, size=tile, values=np.zeros(tile, real), dtype=real, index="_lane_idx"
                )
                self.variables.add_reference(f"_level_{name}", levels_group, "level", index="0")
                levels.append((name, f"_level_{name}"))
        return {
            "lane": real.itemsize,
            "tile": tile,
            "tiled": bool(tiled or levels),
            "numbers": numbers,
            "channels": rules.channels,
            "levels": levels,
        }


class Fire(Procedural):
    """Makes spikes of the neurons that a :class:`Step` listed."""

    def __init__(self, group: Any, step: Step, slot: tuple[str, int], name: str) -> None:
        self._begin(name)
        self.variables.add_constant("N", len(group))
        self.variables.add_reference("_eventspace", group, "_spikespace")
        self.variables.add_reference("_listed", step, "_listed")
        self._finish("fire", "", group, slot, {})
        self.add_dependency(group)
        self.add_dependency(step)


def _update_of(group: Any) -> str:
    """Name of the pass that updates a group."""
    return f"update_{group.name}"


def stepped(group: Any, rules: Rules, jumping: set[str]) -> list[Any]:
    """Objects that update a layer and make it fire.

    Parameters
    ----------
    group : NeuronGroup
        Its own threshold object is removed.
    rules : Rules
    jumping : set of str
        States that arriving spikes change, after the update and before the threshold. A single pass
        is possible only if threshold, reset and refractoriness do not involve them.

    Returns
    -------
    list of Brian2 objects
    """
    group.contained_objects.remove(group.thresholder["spike"])
    update, fire = _update_of(group), f"fire_{group.name}"
    # After the decay of shared thresholds (order 0 of the same slot).
    slot = ("groups", 10)
    firing = ("test", "reset") if rules.resets else ("test",)
    if jumping & rules.at_a_spike():
        test = Step(group, rules, ("thresholds", 0), f"test_{group.name}", firing)
        made = [Step(group, rules, slot, update, ("update",), test), test]
    else:
        test = Step(group, rules, slot, update, ("update", *firing))
        made = [test]
    return [*made, Fire(group, test, ("thresholds", 1), fire)]


def silent_states(
    step: Integrator, constants: Mapping[str, NDArray[np.float64]], moved: set[str]
) -> set[str]:
    """States that are always zero, so that a pass can skip them.

    Parameters
    ----------
    step : Integrator
    constants : mapping of str to ndarray
        Constants of the integrator.
    moved : set of str
        States that do not start at zero, or that an arriving or fired spike changes.

    Returns
    -------
    set of str
        Such as the inhibitory current of a layer without inhibition. Only states that the exact
        propagator integrates are considered: their updates are sums of products with each other.
    """
    states = {update.state for update in step.updates}
    needs: dict[str, frozenset[str]] = {}
    for update in step.updates:
        named = check_expression(update.expression)
        offsets = [n for n in named if step.entries.get(n, ("", ""))[1] is None]
        if update.exact and not any(np.any(constants[n]) for n in offsets):
            needs[update.state] = named & states
    silent = set(needs) - moved
    while loud := {name for name in silent if not needs[name] <= silent}:
        silent -= loud
    return silent
