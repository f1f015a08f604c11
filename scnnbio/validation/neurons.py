"""Claims on single neurons and on backends: closed forms, other solutions, recorded medians.

A tolerance is a round number that was chosen for what the experiment is about, such as "within
5 %"; what came out is in the documents of each experiment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scnnbio.analysis.adaptation import ADAPTATION, SOURCE
from scnnbio.validation import neuron_measures as measures
from scnnbio.validation.claim import Claim, Measured, Observation
from scnnbio.validation.comparisons import AllWithin, Covered, Median
from scnnbio.validation.evidence import Evidence, Missing

_NEURON = "model neuron"
_CHANCE_2002 = (
    "F. S. Chance, L. F. Abbott and A. D. Reyes (2002), Gain modulation from background synaptic"
    " input, Neuron 35, 773-782"
)
_HOLT_1997 = (
    "G. R. Holt and C. Koch (1997), Shunting inhibition does not have a divisive effect on firing"
    " rates, Neural Comput. 9, 1001-1013"
)


def _of_run(measure: Callable[..., Measured], **names: Any) -> Callable[[Evidence], Measured]:
    """A measure bound to names; what another study's run has not is missing, and no crash."""

    def measured(evidence: Evidence) -> Measured:
        try:
            return measure(evidence, **names)
        except (KeyError, IndexError, AttributeError) as error:
            raise Missing(
                f"{error} is not there; the claim is for the study it was made for"
            ) from None

    return measured


def _closed(quantity: str, source: str, low: float, high: float, unit: str = "1") -> Observation:
    """What a closed form says, and how far from it a value may be."""
    return Observation(
        quantity=quantity, source=source, species=_NEURON, unit=unit, interval=(low, high)
    )


def _recorded(kind: str) -> Observation:
    """Adaptation index of recorded cells."""
    seen = ADAPTATION[kind]
    return Observation(
        quantity=f"adaptation index, {kind} cells",
        source=SOURCE,
        species="mouse V1",
        n=seen.n,
        value=seen.median,
        interval=(seen.low, seen.high),
        stimulus="a second of constant current, 50 pA above rheobase",
        window="the whole step",
        state="slice",
        pooling="mean of (later - earlier)/(later + earlier) over adjacent intervals; quartiles"
        " over cells",
        differs="is of neurons with the median parameters of such cells, which are no median cells",
    )


_MEMBRANES: tuple[Claim, ...] = (
    AllWithin(
        name="euler_factor",
        stage="constant_current",
        observation=_closed(
            "factor of forward Euler's step on a deviation, minus 1 - dt/tau",
            "closed form: forward Euler of a linear equation",
            -1e-9,
            1e-9,
        ),
        measure=_of_run(measures.step_factor_error, population="still_euler"),
    ),
    AllWithin(
        name="exact_factor",
        stage="constant_current",
        observation=_closed(
            "factor of the exact step on a deviation, minus exp(-dt/tau)",
            "closed form: solution of a linear equation",
            -1e-9,
            1e-9,
        ),
        measure=_of_run(measures.step_factor_error, population="still_exact"),
    ),
    AllWithin(
        name="euler_limit",
        stage="constant_current",
        observation=_closed(
            "channels below threshold that fire though dt <= 2 tau or exact (1), or are silent"
            " though dt > 2 tau (-1)",
            "closed form: abs(1 - dt/tau) > 1 grows",
            0.0,
            0.0,
        ),
        measure=_of_run(measures.wrongly_fires, populations=("still_euler", "still_exact")),
    ),
    AllWithin(
        name="exact_rate",
        stage="constant_current",
        observation=_closed(
            "spikes of the exact step, minus those of the closed form with whole steps",
            "closed form: tau log(v_inf / (v_inf - threshold)), rounded up to the grid",
            -1.0,
            1.0,
            "spikes",
        ),
        measure=_of_run(measures.grid_spikes_error, population="firing_exact"),
    ),
    AllWithin(
        name="glif_rate",
        stage="long_squares",
        observation=_closed(
            "spikes of GLIF1 at each current, minus those of the closed form of its rate",
            "closed form: a leaky integrator with a refractory period, on the grid",
            -1.0,
            1.0,
            "spikes",
        ),
        measure=_of_run(
            measures.spikes_error, populations=("glif1_excitatory", "glif1_inhibitory")
        ),
    ),
    AllWithin(
        name="no_adaptation",
        stage="long_squares",
        observation=_closed(
            "adaptation index of GLIF1 and GLIF2, without after-spike currents",
            "closed form: nothing outlasts a spike but what every spike leaves alike",
            -1e-6,
            1e-6,
        ),
        measure=_of_run(
            measures.adaptation_indices,
            populations=("glif1_excitatory", "glif2_excitatory", "glif1_inhibitory"),
        ),
    ),
    Median(
        name="adaptation_excitatory",
        stage="long_squares",
        observation=_recorded("excitatory"),
        measure=_of_run(
            measures.adaptation_indices,
            populations=("glif3_excitatory", "glif4_excitatory", "glif5_excitatory"),
        ),
        minimum=3,
    ),
    Median(
        name="adaptation_inhibitory",
        stage="long_squares",
        observation=_recorded("inhibitory"),
        measure=_of_run(measures.adaptation_indices, populations=("glif3_inhibitory",)),
        minimum=1,
    ),
)

_SYNAPSES: tuple[Claim, ...] = (
    AllWithin(
        name="filter_gain",
        stage="flicker",
        observation=_closed(
            "gain from input rate to potential, over that of the linearised neuron",
            "closed form: transfer function of synapse and membrane at the mean input",
            0.95,
            1.05,
        ),
        measure=_of_run(measures.gain_ratio),
    ),
    AllWithin(
        name="filter_phase",
        stage="flicker",
        observation=_closed(
            "phase from input rate to potential, minus that of the linearised neuron, beyond what"
            " one time step makes of it",
            "closed form: transfer function of synapse and membrane at the mean input",
            -3.0,
            3.0,
            "deg",
        ),
        measure=_of_run(measures.phase_error),
    ),
    AllWithin(
        name="shunt_resistance",
        stage="inhibition",
        observation=_closed(
            "input resistance times the membrane's conductance",
            "closed form: 1 / (g_L + g_shunt)",
            0.95,
            1.05,
        ),
        measure=_of_run(measures.resistance_ratio),
    ),
    AllWithin(
        name="subtractive_shift",
        stage="inhibition",
        observation=_closed(
            "shift of the rate by subtractive inhibition, over the current at the membrane",
            "closed form: a constant current adds to the input",
            0.95,
            1.05,
        ),
        measure=_of_run(measures.subtraction_ratio),
    ),
    AllWithin(
        name="subtractive_gain",
        stage="inhibition",
        observation=_closed(
            "gain of the rate under subtractive inhibition",
            "closed form: a constant current adds to the input",
            0.95,
            1.05,
        ),
        measure=_of_run(measures.gains, kind="subtractive"),
    ),
    AllWithin(
        name="shunting_does_not_divide",
        stage="inhibition",
        observation=Observation(
            quantity="gain of the rate under shunting inhibition, upper end of its 95 % interval",
            source=_HOLT_1997,
            species=_NEURON,
            interval=(1.0, np.inf),
            stimulus="constant current, with and without synaptic background that stays as it is",
            pooling="least squares over the rates up to 60 Hz; bootstrap over places",
        ),
        measure=_of_run(measures.gains, kind="shunting", end="high"),
    ),
    AllWithin(
        name="barrage_divides",
        stage="inhibition",
        observation=Observation(
            quantity="gain of the rate under a balanced barrage, upper end of its 95 % interval",
            source=_CHANCE_2002,
            species=_NEURON,
            interval=(-np.inf, 1.0),
            stimulus="constant current, and a barrage of balanced excitation and inhibition",
            pooling="least squares over the rates up to 60 Hz; bootstrap over places",
        ),
        measure=_of_run(measures.gains, kind="barrage", end="high"),
    ),
)

_LEARNING: tuple[Claim, ...] = (
    AllWithin(
        name="settled_rates",
        stage="steps",
        observation=_closed(
            "rate of homeostatic layers at the end of trials, over the target",
            "closed form: fixed point of the threshold's rule",
            0.9,
            1.1,
        ),
        measure=_of_run(measures.settled_ratio),
    ),
    Covered(
        name="return_rate",
        stage="steps",
        observation=Observation(
            quantity="rate of return of the first layer, over minus the loop's eigenvalue",
            source="closed form: the loop of threshold and rate, linearised at the target",
            species=_NEURON,
            value=1.0,
            note="the fit begins within 30 % of the target, where the curve of rate over threshold"
            " has another slope than at the target",
        ),
        measure=_of_run(measures.return_ratio),
    ),
    AllWithin(
        name="kernel_bounds",
        stage="learn",
        observation=_closed(
            "learned weights, from the rule's lower bound (0) to its upper (1)",
            "closed form: soft bounds are never passed",
            0.0,
            1.0,
        ),
        measure=_of_run(measures.kernel_values),
    ),
    AllWithin(
        name="threshold_sum",
        stage="learn",
        observation=_closed(
            "learned threshold, minus start + eta (spikes - target time)",
            "closed form: integral of the threshold's rule over the run",
            -1e-6,
            1e-6,
            "mV",
        ),
        measure=_of_run(measures.threshold_error),
    ),
    AllWithin(
        name="equal_wins",
        stage="learn",
        observation=_closed(
            "spikes of a map in the second half of the run, over its target",
            "closed form: fixed point of the threshold's rule",
            0.8,
            1.2,
        ),
        measure=_of_run(measures.equal_wins),
    ),
)

_SOLUTIONS: tuple[Claim, ...] = (
    AllWithin(
        name="grid_order",
        stage="firing",
        observation=_closed(
            "order at which spike times approach the solution without a time step",
            "closed form: a grid stamps a crossing with the end of its step, so that the error is"
            " of first order",
            0.8,
            1.2,
        ),
        measure=_of_run(measures.orders),
    ),
    AllWithin(
        name="grid_state",
        stage="quiet",
        observation=_closed(
            "largest difference of a state from the solution without a time step",
            "closed form: exact propagators leave rounding alone",
            0.0,
            1e-9,
            "mV",
        ),
        measure=_of_run(measures.state_error),
    ),
    AllWithin(
        name="reference_spikes",
        stage="grating",
        observation=Observation(
            quantity="neurons that fire: 1 if a spike is not that of the backend 'reference'",
            source="the backend 'reference', which writes out the conventions of all",
            species="the same network",
            interval=(0.0, 0.0),
            note="where a neuron stands at its threshold rounding may decide: 'scnnbio compare'"
            " tells that from a fault",
        ),
        measure=_of_run(measures.differing_trains),
    ),
    AllWithin(
        name="reference_rate",
        stage="grating",
        observation=Observation(
            quantity="difference of the mean rate from another solution's, as a share of it",
            source="the backend 'reference'; for that itself, the solution without a time step",
            species="the same network",
            interval=(-0.05, 0.05),
        ),
        measure=_of_run(measures.rate_difference),
        minimum=1,
    ),
    AllWithin(
        name="self_sustained",
        stage="self_sustained",
        observation=Observation(
            quantity="rate in the last fifth of the run, as a share of that in the second fifth",
            source="R. Brette et al. (2007), Simulation of networks of spiking neurons, J. Comput."
            " Neurosci. 23, 349-398: benchmarks 1 and 2 keep firing by themselves",
            species="the published networks",
            interval=(0.5, 2.0),
            note="which rates are published nowhere; a network that falls silent has 0",
        ),
        measure=_of_run(measures.sustained_rates),
        minimum=2,
    ),
    AllWithin(
        name="input_spikes",
        stage="grating",
        observation=_closed(
            "input spikes of ON and OFF cells minus their expected number, in standard deviations",
            "closed form: sums of independent draws with the encoding's rates",
            -4.0,
            4.0,
        ),
        measure=_of_run(measures.input_surprise),
    ),
)

#: Every claim by name.
CLAIMS: dict[str, Claim] = {
    claim.name: claim for claim in (*_MEMBRANES, *_SYNAPSES, *_LEARNING, *_SOLUTIONS)
}
