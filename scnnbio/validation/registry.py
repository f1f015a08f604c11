"""All claims and measures by name, and the judging of claims that a document names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scnnbio.errors import SpecError
from scnnbio.experiment import ClaimBinding, Run
from scnnbio.experiment.documents import choose
from scnnbio.registry import Entry, Registry, instances, named
from scnnbio.validation import (
    battery,
    code_capacity,
    complex_cells,
    count_variability,
    digit_read_outs,
    digit_votes,
    disinhibition,
    encoding_claim,
    euler_stability,
    evoked_rate,
    homeostasis,
    inhibition,
    input_rates,
    interval_variability,
    masking,
    motifs,
    motion,
    orientation_tuning,
    oriented_kernels,
    other_solutions,
    physiology,
    published_sparseness,
    published_suppression,
    published_timing,
    published_tuning,
    published_variability,
    receptive_field_shape,
    self_sustained,
    shared_learning,
    sparse_codes,
    spike_frequency_adaptation,
    synaptic_filters,
    time_grids,
    weight_drift,
    weight_sharing,
)
from scnnbio.validation.claim import Claim, Measure
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.scores import Score

#: Modules of claims on published properties of V1, which ask nothing of a model but its spikes.
PUBLISHED = (
    published_tuning, published_suppression, published_timing, published_variability,
    published_sparseness, battery,
)  # fmt: skip

#: One module per phenomenon, in the order in which claims are listed.
_PHENOMENA = (
    receptive_field_shape,
    oriented_kernels,
    orientation_tuning,
    evoked_rate,
    interval_variability,
    count_variability,
    euler_stability,
    spike_frequency_adaptation,
    synaptic_filters,
    inhibition,
    homeostasis,
    shared_learning,
    time_grids,
    other_solutions,
    self_sustained,
    input_rates,
    weight_drift,
    digit_read_outs,
    digit_votes,
    motion,
    encoding_claim,
    masking,
    complex_cells,
    disinhibition,
    sparse_codes,
    weight_sharing,
    code_capacity,
    motifs,
    *PUBLISHED,
)

#: Modules of measures that claims of several phenomena share.
_SHARED = (physiology,)

#: All claims by the name that documents, the command line and Python use.
CLAIMS: Registry[Claim] = Registry(
    "claim",
    "scnnbio.claims",
    {claim.name: f"{module.__name__}:CLAIMS" for module in _PHENOMENA for claim in module.CLAIMS},
    instances(Claim, name="name"),
    load=named,
)


def _measure(entry: Entry) -> Any:
    """A measure with default parameters, where the entry names a class."""
    found = entry.load()
    return found() if isinstance(found, type) and issubclass(found, Measure) else found


#: All measures by name.
MEASURES: Registry[Measure] = Registry(
    "measure",
    "scnnbio.measures",
    {
        cls.name: f"{module.__name__}:{cls.__name__}"
        for module in (*_PHENOMENA, *_SHARED)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Measure) and cls.__module__ == module.__name__
    },
    instances(Measure, name="name"),
    load=_measure,
)


def beside(bound: ClaimBinding, where: str = "claim") -> tuple[Measure, ...]:
    """The further measures that a document lists in a claim.

    Raises
    ------
    SpecError
        If a name is unknown, or the claim is not bound to what the measure needs.
    """
    where = f"{where}.beside"
    measures = tuple(MEASURES.choose(name, where) for name in bound.beside)
    for measure in measures:
        part = "projection" if measure.about == "projection" else "population"
        if measure.about != "network" and not getattr(bound, part):
            raise SpecError(f"{measure.name!r} needs a {part}; add {part} = ...", where=where)
    return measures


def claim_named(name: str, where: str = "claim") -> Claim:
    """A claim by name.

    Raises
    ------
    SpecError
        If there is none of that name.
    """
    return choose(CLAIMS, name, "claim", where)


def check(claims: Iterable[ClaimBinding]) -> None:
    """Raise a SpecError unless every claim is known and bound to what it needs."""
    for k, bound in enumerate(claims):
        claim_named(bound.claim, f"claims[{k}].claim").check(bound, f"claims[{k}]")
        beside(bound, f"claims[{k}]")


def shown(claims: Iterable[ClaimBinding], run: Run) -> tuple[tuple[str, ...], str]:
    """Choose the population and the projection that the figures of a stage show.

    Parameters
    ----------
    claims : iterable of ClaimBinding
        Claims of the study; only those of the run's stage are used.
    run : Run

    Returns
    -------
    populations : tuple of str
        One population: that of the stage's first claim on one population of neurons; without such
        a claim, the target of the first kernel that is judged or learned. Empty if there is none.
    projection : str
        Projection of the stage's first claim on a kernel; without one, the learning projection to
        the population. Empty if there is none.
    """
    network, here = run.experiment.network, [c for c in claims if c.stage == run.experiment.stage]
    kernels = [bound.projection for bound in here if bound.projection]
    learned = [path.name for path in network.projections if path.plasticity is not None]
    posts = [network.projection(name).post for name in (*kernels[:1], *learned[:1])]
    layers = [bound.population[0] for bound in here if len(bound.population) == 1]
    neurons = [name for name in layers if not network.population(name).is_source]
    recorded = [name for name in run.recording.spikes if name not in run.experiment.inputs]
    population = (*neurons, *posts, *recorded)[:1]
    into = [name for name in learned if network.projection(name).post in population]
    return population, (*kernels, *into, "")[0]


def judge_all(
    claims: Iterable[ClaimBinding], evidence: Mapping[str, Evidence]
) -> tuple[Score, ...]:
    """Judge each claim on the run of its stage.

    Parameters
    ----------
    claims : iterable of ClaimBinding
    evidence : mapping from stage to Evidence
        A claim whose stage is not in it is ``"not applicable"``.

    Returns
    -------
    tuple of Score
        In the order of the claims.
    """
    scores = []
    for bound in claims:
        known = claim_named(bound.claim)
        if bound.stage in evidence:
            scores.append(known.judge(evidence[bound.stage], bound=bound))
        else:
            scores.append(known.unjudged(f"stage {bound.stage!r} was not run", bound))
    return tuple(scores)
