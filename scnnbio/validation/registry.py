"""Every claim by name, and the judging of those that a document names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scnnbio.experiment import ClaimBinding
from scnnbio.experiment.documents import choose
from scnnbio.validation import (
    count_variability,
    euler_stability,
    evoked_rate,
    homeostasis,
    inhibition,
    input_rates,
    interval_variability,
    orientation_tuning,
    oriented_kernels,
    other_solutions,
    receptive_field_shape,
    self_sustained,
    shared_learning,
    spike_frequency_adaptation,
    synaptic_filters,
    time_grids,
)
from scnnbio.validation.claim import Claim
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.scores import Score

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
)

#: Every claim by the name that documents, the command line and Python use.
CLAIMS: dict[str, Claim] = {claim.name: claim for module in _PHENOMENA for claim in module.CLAIMS}


def claim_named(name: str, where: str = "claim") -> Claim:
    """A claim by name.

    Raises
    ------
    SpecError
        If there is none of that name.
    """
    return choose(CLAIMS, name, "claim", where)


def check(claims: Iterable[ClaimBinding]) -> None:
    """Raise a SpecError unless every claim is known and bound to what it is about."""
    for k, bound in enumerate(claims):
        claim_named(bound.claim, f"claims[{k}].claim").check(bound, f"claims[{k}]")


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
