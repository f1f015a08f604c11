"""The SpiNNaker backend: a board, or an emulation of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from scnnbio._exclusive import ExclusiveResource
from scnnbio.backends.base import Backend, Stopwatch
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.promises import Promise, Statistical
from scnnbio.backends.spinnaker import configuration, emulated, mapping
from scnnbio.backends.spinnaker.arithmetic import Ints
from scnnbio.backends.spinnaker.emulated import Activity
from scnnbio.backends.spinnaker.loader import missing
from scnnbio.backends.spinnaker.lowering import Lowered, lower
from scnnbio.backends.spinnaker.refusals import REFUSALS
from scnnbio.backends.support import EVERYWHERE, Refusal
from scnnbio.errors import (
    BackendMissing,
    DataError,
    ScnnbioError,
    SpecError,
    Unsupported,
    UnsupportedError,
    not_one_of,
)
from scnnbio.experiment import Experiment, Feature, Inputs, Record, Report, Run, Sampling
from scnnbio.units import Milliseconds, Number, plain

Target = Literal["board", "virtual", "emulated", "binaries"]

_NEEDS: dict[str, tuple[str, ...]] = {
    "board": ("spynnaker",),
    "virtual": ("spynnaker",),
    "emulated": (),
    "binaries": ("spynnaker", "unicorn"),
}


_CONDUCTANCES = Statistical(
    "spikes",
    rate=0.4,
    cv=0.3,
    why="conductances are inaccurate at a step of 1 ms, differently on each backend",
)


class SpinnakerBackend(Backend):
    """SpiNNaker, or its arithmetic on this computer.

    Parameters
    ----------
    target : {"board", "virtual", "emulated", "binaries"}, optional
        ``"board"``: the board in the user's configuration of sPyNNaker; the default if one is
        configured. ``"emulated"``: the board's integer arithmetic, with identical spikes, without
        sPyNNaker; the default otherwise. ``"virtual"``: sPyNNaker maps the network to a board that
        does not exist, without a run. ``"binaries"``: the board's own code on an emulated
        processor, for small networks.
    gap : float, optional
        Silence before each trial except the first, in ms; default: twelve times the longest time
        constant.
    headroom : float
        Fraction of the largest possible input of one step that the ring buffers can hold. With 1
        no input is ever lost; with less, weights are finer, but input beyond it is lost.
    """

    name: ClassVar[str] = "spinnaker"
    summary: ClassVar[str] = "SpiNNaker: static networks on a board, or emulated with equal spikes"
    #: All targets compute the same integers.
    neutral_options: ClassVar[frozenset[str]] = frozenset({"target"})
    supports: ClassVar[frozenset[Feature]] = EVERYWHERE | {
        Feature.CONDUCTANCES,
        Feature.INITIAL_STATES,
    }
    refusals: ClassVar[Mapping[Feature, Refusal]] = REFUSALS
    #: sPyNNaker reads settings from environment variables, and changes the working folder.
    resource: ClassVar[ExclusiveResource | None] = ExclusiveResource("sPyNNaker")
    promises: ClassVar[tuple[Promise, ...]] = (
        Statistical(
            "spikes",
            rate=0.05,
            cv=0.1,
            why="weights of 16 bits, states in steps of 2**-15",
        ),
        _CONDUCTANCES,
    )

    def __init__(
        self, target: Target | None = None, gap: Milliseconds | None = None, headroom: Number = 1.0
    ) -> None:
        if target is None:
            target = "board" if _board_is_configured() else "emulated"
        if target not in _NEEDS:
            raise SpecError(not_one_of(target, _NEEDS), where="backend.target")
        gap = None if gap is None else plain(gap, "ms", where="backend.gap")
        if gap is not None and gap < 0:
            raise SpecError(f"{gap:g} ms is negative; write 0 or more", where="backend.gap")
        headroom = plain(headroom, "1", where="backend.headroom")
        if not 0 < headroom <= 1:
            raise SpecError(f"{headroom:g} is not above 0 and at most 1", where="backend.headroom")
        self.target = target
        self.gap = gap
        self.headroom = headroom

    def promise(
        self, subject: str, experiment: Experiment, beside: Backend | None = None
    ) -> Promise | None:
        """The promise for one part of a run's results; weaker for neurons with conductances."""
        given = super().promise(subject, experiment, beside)
        names = {p.model.name for p in experiment.network.populations if not p.is_source}
        if isinstance(given, Statistical) and "LIF_cond_exp" in names:
            return _CONDUCTANCES
        return given

    def missing(self) -> str:
        """What must be installed or configured for the target; empty if nothing."""
        absent = missing(*_NEEDS[self.target])
        if not absent and self.target == "board":
            try:
                configuration.of_the_user()
            except BackendMissing as error:
                return str(error)
        return absent

    def no_spikes(self) -> Unsupported | None:
        """Why the target ``"virtual"`` records no spikes of neurons."""
        if self.target != "virtual":
            return None
        return Unsupported(
            "target 'virtual'",
            "maps the network and does not simulate it, so that there are no spikes",
            "use target=emulated or target=binaries; target=virtual works with 'scnnbio run'",
        )

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """Find everything in an experiment that the machine cannot run, without simulating."""
        problems = self._undeclared(experiment)
        named = {problem.element for problem in problems}
        found = lower(experiment.lowered, self.gap, self.headroom)
        finer = [] if isinstance(found, Lowered) else found
        return problems + [problem for problem in finer if problem.element not in named]

    @property
    def packages(self) -> tuple[str, ...]:
        """Packages that the target needs."""
        return tuple({"spynnaker": "sPyNNaker"}.get(name, name) for name in _NEEDS[self.target])

    def run(
        self,
        experiment: Experiment,
        report: Report | None = None,
        *,
        checkpoint: Path | None = None,
    ) -> Run:
        """Simulate an experiment, or only map it with the target ``"virtual"``.

        The provenance includes the mapping: precision, delays and ring buffers, with warnings. A
        network that is only mapped fires no spikes, so that only those of sources are recorded.
        """
        if self.target == "virtual" and not self.unsupported(experiment):
            given = tuple(n for n in experiment.record.spikes if n in experiment.inputs)
            experiment = dataclasses.replace(experiment, record=Record(spikes=given))
        return super().run(experiment, report, checkpoint=checkpoint)

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        if self.missing():
            raise BackendMissing(self.missing(), where=f"backend {self.name!r}")
        with watch.phase("build"):
            lowered = lower(experiment, self.gap, self.headroom)
            if not isinstance(lowered, Lowered):
                raise UnsupportedError(self.name, lowered)
        sent = {
            name: (lowered.clock.ticks(step.astype(np.int64)), unit.astype(np.int64))
            for name, (step, unit) in inputs.by_source.items()
        }
        sampled = _sampled_ticks(lowered)
        if self.target == "emulated":
            with watch.phase("simulate"):
                activity = emulated.simulate(lowered, sent, sampled, report)
            table = mapping.numbers(lowered)
        else:
            activity, table = self._on_spynnaker(lowered, sent, sampled, watch, report)
        table["warnings"] += mapping.saturation(activity.saturated)
        _check_rest(lowered, activity)
        return _outcome(lowered, activity, inputs, sampled, table)

    def _on_spynnaker(
        self,
        lowered: Lowered,
        sent: Mapping[str, tuple[Ints, Ints]],
        sampled: Mapping[str, Ints],
        watch: Stopwatch,
        report: Report,
    ) -> tuple[Activity, dict[str, Any]]:
        # Imported here, since sPyNNaker is slow to import and need not be installed.
        from scnnbio.backends.spinnaker.machine import Machine

        on_board = self.target == "board"
        sections = configuration.of_the_user() if on_board else configuration.VIRTUAL
        with configuration.isolated_environment(sections):
            machine = Machine(lowered, sent, sampled)
            report("mapping", 0, 1)
            try:
                with machine.built():
                    with watch.phase("simulate" if on_board else "map"):
                        machine.run()
                    report("mapping", 1, 1)
                    table = mapping.placed(machine)
                    if on_board:
                        return machine.activity(), table
                    if self.target == "virtual":
                        return Activity({}), table
                    from scnnbio.backends.spinnaker import binaries

                    with watch.phase("simulate"):
                        return binaries.simulate(machine, report), table
            except ScnnbioError:
                raise
            except Exception as error:
                # sPyNNaker has many exceptions without a common base class.
                raise _failed(error, on_board) from error


def _failed(error: Exception, on_board: bool) -> ScnnbioError:
    said = f"{type(error).__name__}: {error}"
    if on_board:
        return BackendMissing(
            f"the run on the board failed ({said}); check that the board in your configuration of"
            " sPyNNaker is switched on and reachable, or use --set backend.target=emulated",
            where="backend.target",
        )
    return DataError(
        f"sPyNNaker cannot map this network ({said}); make it smaller, or use"
        " --set backend.target=emulated",
        where="backend 'spinnaker'",
    )


def _board_is_configured() -> bool:
    try:
        configuration.of_the_user()
    except BackendMissing:
        return False
    return True


def _sampled_ticks(lowered: Lowered) -> dict[str, Ints]:
    """By layer, the sorted ticks at which potentials are sampled."""
    found: dict[str, Ints] = {}
    for sampling in lowered.experiment.record.signals:
        ticks = _ticks_of(lowered, sampling)
        before = found.get(sampling.population, ticks)
        found[sampling.population] = np.union1d(before, ticks)
    return found


def _ticks_of(lowered: Lowered, sampling: Sampling) -> Ints:
    """Ticks of a sampling; a sample is the state at the beginning of a step, before its tick."""
    experiment, clock = lowered.experiment, lowered.clock
    every = experiment.steps(sampling.period or experiment.dt, "record.signals.period")
    return clock.ticks(np.arange(0, clock.trial * clock.n_trials, every) + 1)


def _check_rest(lowered: Lowered, activity: Activity) -> None:
    """Raise if a trial did not begin from rest."""
    restless = [
        Unsupported(
            f"population {name!r}",
            f"still fires at the end of the {lowered.clock.gap * lowered.experiment.dt:g} ms of"
            " silence between trials, so that a trial does not begin from rest",
            "lengthen the silence by --set backend.gap=, or set reset = false",
        )
        for name, (ticks, _) in activity.spikes.items()
        if lowered.clock.restless(ticks).any()
    ]
    if restless:
        raise UnsupportedError(SpinnakerBackend.name, restless)


def _outcome(
    lowered: Lowered,
    activity: Activity,
    inputs: Inputs,
    sampled: Mapping[str, Ints],
    table: dict[str, Any],
) -> Outcome:
    """Results in the public numbering, without spikes in the silence between trials."""
    experiment = lowered.experiment
    spikes: dict[str, Any] = {
        name: (step.astype(np.int64), unit) for name, (step, unit) in inputs.by_source.items()
    }
    counts = {}
    for name, (ticks, units) in activity.spikes.items():
        stamps = lowered.clock.stamps(ticks)
        inside = stamps > 0
        spikes[name] = stamps[inside], units[inside].astype(np.int32)
        counts[name] = int(inside.sum())
    signals = {}
    for sampling in experiment.record.signals:
        rows = np.searchsorted(sampled[sampling.population], _ticks_of(lowered, sampling))
        values = activity.potentials[sampling.population][rows]
        chosen = values if sampling.units is None else values[:, list(sampling.units)]
        signals[sampling.population, "v"] = chosen
    return Outcome(
        {name: spikes[name] for name in experiment.record.spikes},
        signals,
        {},
        {},
        counts,
        mapping.pathways(lowered),
        details={"mapping": table},
    )
