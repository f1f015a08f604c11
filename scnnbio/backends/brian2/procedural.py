"""Brian2 objects with scnnbio's templates: connections that are computed and not stored.

A spike computes its targets from the geometry and runs ordinary Brian2 code for each of them. Only
this file, :mod:`scnnbio.backends.brian2.winners` and ``templates/`` depend on internals of Brian2.
Neurons are in the order (row, column, channel) here, and kernels (in, row, column reversed, out),
so that the inner loop is contiguous; :mod:`scnnbio.backends.brian2.layout` converts. With groups of
channels, the last axis of a kernel is that of one group; a kernel with lags is a sequence of such
kernels, each with its own pathway.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.core.names import Nameable
from brian2.core.preferences import prefs
from brian2.core.variables import ArrayVariable, Variables
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device
from brian2.groups.group import CodeRunner, Group

from scnnbio.backends.brian2.lists import Listing
from scnnbio.backends.brian2.sleeping import Sleep
from scnnbio.errors import SpecError

#: A number with a point or an exponent.
_LITERAL = re.compile(r"(?<![\w.])(\d+\.\d*(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)")


@functools.cache
def _with_our_templates(base: type) -> type:
    """A code-object class like ``base`` that also finds this package's templates."""
    templater = base.templater.derive("scnnbio.backends.brian2")  # type: ignore[attr-defined]
    return type(f"Procedural{base.__name__}", (base,), {"templater": templater})


def generates_cpp() -> bool:
    """Whether the active device generates a C++ program."""
    return isinstance(get_device(), CPPStandaloneDevice)


def set_sleep(group: Any, name: str, sleep: Sleep) -> None:
    """Store how neurons of a group sleep, and the name of the object that steps them."""
    for attribute, value in (("sleeper", name), ("sleep", sleep)):
        group.add_attribute(attribute)
        setattr(group, attribute, value)


def sleeper(group: Any) -> str:
    """Name of the object that lets neurons of a group sleep; empty if they do not.

    Code that changes their states must first call ``wake_NAME``, and code that reads them
    ``view_NAME``.
    """
    return getattr(group, "sleeper", "")


@dataclass(frozen=True)
class Geometry:
    """Geometry of a convolution at one lag of its kernel, for the templates."""

    in_shape: tuple[int, int, int]
    out_shape: tuple[int, int, int]
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    groups: int = 1
    lag: int = 0

    def keywords(self) -> dict[str, int]:
        """Names in the templates.

        C, H, W in; O, OH, OW out; KH, KW, SY, SX, PY, PX; CG, OG channels of a group; FIRST tap.
        """
        names = ("C", "H", "W", "O", "OH", "OW", "KH", "KW", "SY", "SX", "PY", "PX")
        numbers = self.in_shape + self.out_shape + self.kernel_size + self.stride + self.padding
        keywords = dict(zip(names, map(int, numbers), strict=True))
        into, out = self.in_shape[0], self.out_shape[0] // self.groups
        first = self.lag * into * self.kernel_size[0] * self.kernel_size[1] * out
        return {**keywords, "CG": into // self.groups, "OG": out, "FIRST": first}

    def declare(self, variables: Any) -> None:
        """Do nothing: targets are computed without arrays."""


class Procedural(CodeRunner, Group):  # type: ignore[misc]
    """A code runner that has its own variables and uses scnnbio's templates on any device."""

    add_to_magic_network = True

    def _begin(self, name: str) -> None:
        Nameable.__init__(self, name=name)
        self.namespace: dict[str, Any] = {}
        self.variables = Variables(self)
        self.codeobj_class: type | None = None

    def _finish(
        self,
        template: str,
        code: str | dict[str, str],
        owner: Any,
        slot: tuple[str, int],
        options: dict[str, Any],
    ) -> None:
        when, order = slot
        if isinstance(code, str):
            code = self._in_precision(code)
        else:
            code = {part: self._in_precision(text) for part, text in code.items()}
        if "_eventspace" in self.variables:
            options = {**options, "eventspace_variable": self.variables["_eventspace"]}
        CodeRunner.__init__(
            self,
            group=self,
            template=template,
            code=code,
            clock=owner.clock,
            when=when,
            order=order,
            name=None,
            template_kwds=options,
            needed_variables=[name for name in ("_eventspace",) if name in self.variables],
        )
        self.variables.create_clock_variables(self._clock)
        self._enable_group_attributes()

    def _in_precision(self, code: str) -> str:
        """Replace numbers in the code by constants, which are data and have any precision.

        In C++ a literal is in double precision. Zero and one may stay: Brian2 simplifies the
        expressions in which they have no effect.
        """
        real = np.dtype(prefs.core.default_float_dtype)
        double = real == np.float64
        if double and not generates_cpp():
            return code

        def constant(found: re.Match[str]) -> str:
            value = real.type(found[0])
            if double and value in (0.0, 1.0):
                return found[0]
            name = f"_number_{len(self.variables)}"
            self.variables.add_constant(name, value)
            return name

        return _LITERAL.sub(constant, code)

    def _see(self, group: Any, suffix: str, index: str) -> None:
        """Add references to the variables of another group, with a suffix."""
        for name, variable in group.variables.items():
            indexed_by = group.variables.indices[name]
            own = name.startswith("_") or name in ("N", "dt", "t", "t_in_timesteps", "i")
            if own or indexed_by not in ("_idx", "0"):
                continue
            if name + suffix in self.variables:
                # Brian2 would use the first of the two, and the code would read the wrong variable.
                raise SpecError(f"Brian2 already uses the name {name!r}; choose another")
            scalar = isinstance(variable, ArrayVariable) and variable.scalar
            self.variables.add_reference(name + suffix, group, name, index="0" if scalar else index)

    def _add_index(self, name: str) -> None:
        self.variables.add_auxiliary_variable(name, dtype=np.int32)
        # Unique among the targets of one spike; spikes are processed one by one.
        self.variables[name].unique = True

    def create_default_code_object(self, run_namespace: Mapping[str, Any]) -> Any:
        """Brian2's code object, with scnnbio's templates."""
        self.codeobj_class = _with_our_templates(get_device().code_object_class(None))
        return super().create_default_code_object(run_namespace)


class Arrivals(Procedural):
    """The spikes of a group that arrive in this step, ``delay`` steps after they were fired.

    The source is the group, or other arrivals, which must run earlier in the step: their spikes
    arrive here ``delay`` steps later. ``period`` is the length of a trial in steps if spikes
    in flight are lost at its end, else 0.
    """

    def __init__(self, source: Any, delay: int, period: int, slot: tuple[str, int], name: str):
        self._begin(name)
        chained = isinstance(source, Arrivals)
        size = source.size if chained else len(source)
        # The spikes of a group are from the previous step.
        held = delay if chained else delay - 1
        variables = self.variables
        variables.add_constant("N", size)
        variables.add_reference("_eventspace", source, "_arriving" if chained else "_spikespace")
        variables.add_array("_arriving", size=size + 1, dtype=np.int32, read_only=True)
        ring = (held + 1) * (size + 1) if held else 1
        variables.add_array("_ring", size=ring, dtype=np.int32, read_only=True, index="_rix")
        variables.add_auxiliary_variable("_rix", dtype=np.int32)
        self.size = size
        self._finish("arrivals", "", source, slot, {"held": held, "size": size, "period": period})
        self.needed_variables += ["_arriving", "_ring"]
        self.add_dependency(source)


def _refuse_sleepers(*groups: Any) -> None:
    """Raise if neurons sleep: code that does not wake them would use outdated states."""
    for group in groups:
        if sleeper(group):
            raise ValueError(
                f"neurons of {group.name} sleep: only their own step, or a convolution with a known"
                " increment, can change their states"
            )


class Each(Procedural):
    """Code for each event, applied to the neuron of that number or to its channel."""

    def __init__(
        self,
        events: tuple[Any, str],
        target: Any,
        code: str,
        slot: tuple[str, int],
        name: str,
        modulo: int = 0,
    ) -> None:
        self._begin(name)
        owner, space = events
        self.variables.add_constant("N", len(target))
        self._add_index("_post_idx")
        self._see(target, "_post", "_post_idx")
        self.variables.add_reference("_eventspace", owner, space)
        _refuse_sleepers(target)
        self._finish("each", code, owner, slot, {"modulo": modulo})
        self.add_dependency(owner)
        self.add_dependency(target)


class DecayingTraces(Procedural):
    """Traces that decay through a common scale, so that a step does not touch each neuron's trace.

    A trace ``x`` is ``scale_x*trace_x``: the scale decays by a factor per step, and a spike adds
    ``one_x``, which is ``1/scale_x``. Before that overflows, the scale is multiplied into the
    traces of all neurons. ``keeps`` has the factor of each trace.
    """

    def __init__(
        self, group: Any, keeps: Mapping[str, float], slot: tuple[str, int], name: str
    ) -> None:
        self._begin(name)
        variables = self.variables
        variables.add_constant("N", len(group))
        for trace, keep in keeps.items():
            # An array is data of the program, while a single number would become part of its code.
            values = np.full(2, keep, prefs.core.default_float_dtype)
            variables.add_array(
                f"keep_{trace}", size=2, values=values, dtype=values.dtype, constant=True, index="0"
            )
            variables.add_reference(f"trace_{trace}", group, f"trace_{trace}")
            for shared in ("scale", "one"):
                variables.add_reference(f"{shared}_{trace}", group, index="0")
        # 25 time constants: rarely reached, and well within the range of single precision.
        options = {"traces": list(keeps), "least": 1e-11}
        self._finish("faded", "", group, slot, options)
        parts = ("keep", "trace", "scale", "one")
        self.needed_variables += [f"{part}_{trace}" for trace in keeps for part in parts]
        self.add_dependency(group)


def _gathers(
    code: str, geometry: Geometry | Listing, moves: tuple[str, float] | None, fixed: bool
) -> dict[str, Any]:
    """How a convolution can go from target to target (gathering.h); empty if it cannot.

    It can if the code only adds the weights to one state, and all output channels see all input.
    """
    if moves is None or not isinstance(geometry, Geometry) or geometry.groups > 1:
        return {}
    plain = f"{moves[0]}_post += "
    if code not in (f"{plain}w", f"{plain}_weight*w"):
        return {}
    weighted = code == f"{plain}_weight*w"
    return {"state": f"{moves[0]}_post", "weighted": weighted, "fixed": fixed}


class KernelPathway(Procedural):
    """Code for each event and each tap of the kernel that it reaches.

    ``convolution`` runs for presynaptic events, and ``receptive_field`` for postsynaptic ones.
    ``listed`` is a ``convolution`` whose targets are stored; its ``geometry`` declares the arrays.
    The code may use ``w`` and the other variables of the kernel group, and those of the groups in
    ``ends`` under their suffix, ``_pre`` or ``_post``. Neurons of the first
    group of a ``convolution`` may sleep: then the first statement of the code adds ``moves[1]``
    times ``w`` to its state ``moves[0]``, or nothing. ``_weight`` is ``moves[1]`` there.
    ``fixed`` says that the kernel does not change.
    """

    def __init__(
        self,
        template: str,
        events: tuple[Any, str],
        kernel: Any,
        ends: Sequence[tuple[Any, str]],
        geometry: Geometry | Listing,
        code: str,
        slot: tuple[str, int],
        name: str,
        moves: tuple[str, float] | None = None,
        fixed: bool = False,
    ) -> None:
        self._begin(name)
        owner, space = events
        self.variables.add_constant("N", len(kernel))
        for index in ("_tap_idx", "_pre_idx", "_post_idx"):
            self._add_index(index)
        geometry.declare(self.variables)
        self._see(kernel, "", "_tap_idx")
        for group, suffix in ends:
            self._see(group, suffix, f"{suffix}_idx")
        self.variables.add_reference("_eventspace", owner, space)
        # Threads divide the rows of the target, so the code must write only to the target.
        shared = all(line.split()[0].endswith("_post") for line in code.splitlines())
        options: dict[str, Any] = {**geometry.keywords(), "shared": shared}
        targets = [group for group, _ in ends]
        options["sleeper"] = sleeper(targets[0]) if moves is not None else ""
        options["gathers"] = _gathers(code, geometry, moves, fixed)
        if moves is not None:
            real = np.dtype(prefs.core.default_float_dtype)
            self.variables.add_constant("_weight", real.type(moves[1]))
        if moves is not None and options["sleeper"]:
            sleep = targets.pop(0).sleep
            push = tuple(float(moves[1] * most) for most in sleep.pushes[moves[0]])
            options |= {"push": push, "slip": sleep.slip}
        _refuse_sleepers(*targets)
        self._finish(template, code, owner, slot, options)
        for group in (owner, kernel, *(group for group, _ in ends)):
            self.add_dependency(group)


class Normaliser(Procedural):
    """Rescales the kernel of each output map to its norm, every ``period`` steps.

    ``shape`` is the public shape of the kernel, and ``groups`` its number of blocks of channels;
    the norm includes all lags of a map.
    """

    def __init__(
        self,
        kernel: Any,
        shape: tuple[int, ...],
        groups: int,
        norm: str,
        target: float,
        bounds: tuple[float, float],
        period: int,
        slot: tuple[str, int],
        name: str,
    ) -> None:
        self._begin(name)
        maps, taps = shape[0], int(np.prod(shape[1:4]))
        self.variables.add_constant("N", len(kernel))
        self._add_index("_tap_idx")
        self.variables.add_reference("w", kernel, "w", index="_tap_idx")
        self.variables.add_array("_norms", size=maps, read_only=True)
        options: dict[str, Any] = {"G": groups, "OG": maps // groups, "taps": taps}
        options |= {"O": maps, "rows": len(kernel) // (maps // groups)}
        options |= {"norm": norm, "target": target}
        options |= {"low": bounds[0], "high": bounds[1], "period": period}
        self._finish("normalise", "", kernel, slot, options)
        self.needed_variables += ["w", "_norms"]
        self.add_dependency(kernel)
