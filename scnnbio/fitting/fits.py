""":func:`fit`: parameters of a neuron from sweeps of current clamp, cross-validated over sweeps."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.analysis.coincidence import reliability
from scnnbio.backends import Backend
from scnnbio.backends.fastest import fastest
from scnnbio.errors import BackendMissing, SpecError, hint
from scnnbio.experiment import Report
from scnnbio.fitting._cell import Free, chosen, current_port, free_parameters
from scnnbio.fitting._responses import Cell, Response
from scnnbio.fitting.objective import Objective, Target, joined
from scnnbio.fitting.result import Fit, Fold
from scnnbio.fitting.search import Found, Search, best
from scnnbio.neurons import NeuronModel
from scnnbio.recording.sweeps import Sweep
from scnnbio.units import In, Milliseconds, plain, without_unit

Array = NDArray[np.float64]
Bounds = Mapping[str, Annotated[tuple[Any, Any], In(None)]]
Fixed = Mapping[str, Annotated[Any, In(None)]]

#: Steps are at least this long (ms), unless the user says otherwise.
_SHORTEST_STEP = 0.1
#: Crossings within this time (ms) are one spike.
_APART = 1.0
#: Number of folds if there are enough sweeps.
_FOLDS = 3


def fit(
    model: NeuronModel | str,
    sweeps: Sequence[Sweep],
    free: Sequence[str],
    *,
    bounds: Bounds | None = None,
    fixed: Fixed | None = None,
    objective: Objective | None = None,
    search: Search | None = None,
    folds: int | None = None,
    test: Sequence[str] = (),
    dt: Milliseconds | None = None,
    port: str = "",
    backend: str | Backend | None = None,
    report: Report | None = None,
) -> Fit:
    """Fit a neuron to sweeps of current clamp.

    Parameters
    ----------
    model : NeuronModel or str
        Or its name in the library.
    sweeps : sequence of Sweep
        See :func:`scnnbio.recording.sweep_files.read_sweeps`.
    free : sequence of str
        Parameters to fit.
    bounds : mapping of str to (low, high), optional
        Where free parameters are searched. By default within the declared range, from a thirtieth
        of the default to thirty times it for positive ones, else 30 mV around it, or up to the
        largest injected current, or 1.
    fixed : mapping of str to value, optional
        Other parameters, in place of the model's defaults.
    objective : Objective, optional
        What is minimised.
    search : Search, optional
        Settings of the search, and the seed.
    folds : int, optional
        Number of parts for cross-validation: each is predicted by a fit to the others. The values
        themselves are fitted to all sweeps. 1 for none; by default 3, or the number of sweeps.
    test : sequence of str
        In place of folds, names of sweeps that are held out from the one fit.
    dt : float, optional
        Step (ms), a multiple of the period of the sweeps: by default the smallest that is at
        least 0.1 ms.
    port : str
        Parameter to which the current is added; ``i_offset`` by default.
    backend : str or Backend, optional
        By default the fastest one that runs here.
    report : callable, optional
        Called with the progress.

    Returns
    -------
    Fit

    Raises
    ------
    SpecError
        If a parameter, bound, fold or sweep is wrong, sweeps have different periods, or there is
        nothing to fit.
    BackendMissing
        If the backend is not installed.
    """
    neuron = chosen(model)
    given = _checked_sweeps(sweeps)
    goal, settings = objective or Objective(), search or Search()
    step = _step(given, dt)
    grid = [_on_grid(sweep, step, goal.level) for sweep in given]
    largest = max(float(np.abs(sweep.current).max()) for sweep in grid)
    sought = free_parameters(neuron, free, bounds or {}, fixed or {}, largest)
    held = {n: neuron.parameters[n].check(v, f"fixed.{n}") for n, v in (fixed or {}).items()}
    into = current_port(neuron, port)
    if into in held or into in {f.name for f in sought}:
        raise SpecError("the injected current drives it, so it has no other value", where=into)
    kept, splits = _splits(grid, folds, test, settings.seed)
    whole = Target(kept, goal)
    cell = _cell(neuron, sought, held, into, step, backend, grid)
    start = [f.place(neuron.parameters[f.name].default) for f in sought]
    found = best(cell, whole, settings, start, report)
    tried, shown, simulated = [], [(whole, found.response)], found.simulated
    if splits:
        shown = []
    for rest, part in splits:
        one = found if test else best(cell, Target(rest, goal), settings, start, report)
        simulated += 0 if test else one.simulated
        target, response = _predicted(cell, Target(part, _without_demand(goal)), one)
        names = tuple(sweep.name for sweep in part)
        tried.append(Fold(names, _values(cell, one.place), target.scores(response)))
        shown.append((target, response))
    values = _values(cell, found.place)
    together = joined(shown)
    return Fit(
        neuron,
        _fitted(neuron, {**held, **values}),
        sought,
        values,
        whole.scores(found.response),
        tuple(tried),
        together[0].scores(together[1]) if splits else None,
        _reliability(whole, step),
        {
            "objective": dataclasses.asdict(goal),
            "search": dataclasses.asdict(settings),
            "fixed": held,
            "port": into,
            "dt": step,
            "backend": cell.backend.name,
            "fitted_to": [sweep.name for sweep in kept],
            "loss": found.loss,
            "simulated": simulated,
        },
        together,
    )


def _checked_sweeps(sweeps: Sequence[Sweep]) -> tuple[Sweep, ...]:
    given = (sweeps,) if isinstance(sweeps, Sweep) else tuple(sweeps)
    for sweep in given:
        if not isinstance(sweep, Sweep):
            raise SpecError(f"{sweep!r} is not a Sweep", where="sweeps")
    if not given:
        raise SpecError("there are none; give at least one sweep", where="sweeps")
    names = [sweep.name for sweep in given]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise SpecError(f"two are called {twice!r}; give each its own name", where="sweeps")
    periods = {sweep.period for sweep in given}
    if max(periods) - min(periods) > 1e-6 * min(periods):
        raise SpecError(
            f"samples are {min(periods):g} ms apart in one and {max(periods):g} ms in another;"
            " resample them, or fit them apart",
            where="sweeps",
        )
    return given


def _on_grid(sweep: Sweep, step: float, level: float) -> Sweep:
    """The sweep on the grid of the simulation, with every recorded spike."""
    found = sweep.on_grid(step)
    # Noise can cross a level several times on the way up.
    there, kept = (
        int((np.diff(one.spikes(level), prepend=-np.inf) > _APART).sum()) for one in (sweep, found)
    )
    if kept < there:
        raise SpecError(
            f"a step of {step:g} ms sees {kept} of the {there} spikes that cross {level:g} mV;"
            " choose a smaller step, or a level that they exceed for longer",
            where=f"sweep {sweep.name!r}",
        )
    return found


def _step(sweeps: Sequence[Sweep], dt: Milliseconds | None) -> float:
    period = sweeps[0].period
    if dt is not None:
        return plain(dt, "ms", where="dt")
    return float(f"{math.ceil(_SHORTEST_STEP / period - 1e-6) * period:.9g}")


def _splits(
    sweeps: list[Sweep], folds: int | None, test: Sequence[str], seed: int
) -> tuple[list[Sweep], list[tuple[list[Sweep], list[Sweep]]]]:
    """Sweeps of the final fit, and for each fold those that it is fitted to and held out."""
    names = [sweep.name for sweep in sweeps]
    if test:
        if folds is not None:
            raise SpecError("give either folds or sweeps to hold out", where="test")
        if isinstance(test, str):
            raise SpecError(f"{test!r} is not a list of names", where="test")
        for name in test:
            if name not in names:
                raise SpecError(f"there is no sweep {name!r}; {hint(name, names)}", where="test")
        rest = [s for s in sweeps if s.name not in test]
        if not rest:
            raise SpecError("holds out every sweep; leave one to fit", where="test")
        return rest, [(rest, [s for s in sweeps if s.name in test])]
    if folds is None:
        number = min(_FOLDS, len(sweeps))
    else:
        given = without_unit(folds, where="folds")
        try:
            number = operator.index(given)
        except TypeError:
            number = 0
        if isinstance(given, bool) or not 1 <= number <= len(sweeps):
            raise SpecError(
                f"{given!r} is not from 1, for no cross-validation, to the number of sweeps,"
                f" {len(sweeps)}",
                where="folds",
            )
    if number == 1:
        return sweeps, []
    parts = np.array_split(np.random.default_rng(seed).permutation(len(sweeps)), number)
    return sweeps, [
        ([s for k, s in enumerate(sweeps) if k not in part], [sweeps[k] for k in sorted(part)])
        for part in parts
    ]


def _cell(
    model: NeuronModel,
    free: tuple[Free, ...],
    fixed: Mapping[str, float],
    port: str,
    dt: float,
    backend: str | Backend | None,
    sweeps: list[Sweep],
) -> Cell:
    if isinstance(backend, Backend):
        return Cell(model, free, fixed, port, dt, backend)
    first = Cell(model, free, fixed, port, dt, backends.get("reference"))
    sample = first.experiment(np.full((1, len(free)), 0.5), sweeps)
    target = backends.get(fastest(sample).name if backend is None else backend)
    if lacking := target.missing():
        raise BackendMissing(lacking, where=f"backend {target.name!r}")
    return Cell(model, free, fixed, port, dt, target)


def _without_demand(objective: Objective) -> Objective:
    """An objective under which held-out sweeps need neither spikes nor a varying potential."""
    return dataclasses.replace(objective, kind="both")


def _predicted(cell: Cell, target: Target, found: Found) -> tuple[Target, Response]:
    (response,) = cell.responses(found.place[None], target.sweeps)
    if isinstance(response, SpecError):
        raise response
    return target, response


def _values(cell: Cell, place: Array) -> dict[str, float]:
    return {name: float(value[0]) for name, value in cell.values(place[None]).items()}


def _fitted(model: NeuronModel, values: Mapping[str, float]) -> NeuronModel:
    parameters = {
        name: dataclasses.replace(parameter, default=values.get(name, parameter.default))
        for name, parameter in model.parameters.items()
    }
    return dataclasses.replace(model, name=f"{model.name}_fit", parameters=parameters)


def _reliability(target: Target, dt: float) -> float:
    """Of sweeps whose currents are equal, weighted by the number of pairs."""
    groups: dict[bytes, list[Array]] = {}
    for sweep, spikes in zip(target.sweeps, target.spikes, strict=True):
        groups.setdefault(sweep.current.tobytes(), []).append(spikes)
    total, pairs = 0.0, 0
    for current, trains in groups.items():
        duration = len(current) / 8 * dt
        each = reliability(trains, duration, target.objective.window)
        if not math.isnan(each):
            total += each * len(trains) * (len(trains) - 1)
            pairs += len(trains) * (len(trains) - 1)
    return total / pairs if pairs else math.nan
