"""A learning rule: what it is on traces is all that a backend has to know."""

from dataclasses import dataclass, field
from typing import Literal, final

from scnnbio.plasticity import LearningRule, Trace, TraceRule
from scnnbio.units import Milliseconds, Number, plain


@final
@dataclass(frozen=True)
class AntiHebbian(LearningRule):
    """A weight falls when its two neurons fire together, and grows with each arrival.

    Parameters
    ----------
    tau : float
        Of the traces of both sides (ms).
    fall, rise : float
        Per pair of spikes, and per arrival.
    """

    tau: Milliseconds = 20.0
    fall: Number = 0.02
    rise: Number = 0.001
    kind: Literal["anti-hebbian"] = field(default="anti-hebbian", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, unit in {"tau": "ms", "fall": "1", "rise": "1"}.items():
            value = plain(getattr(self, name), unit, where=f"plasticity.{name}")
            object.__setattr__(self, name, value)

    def as_traces(self) -> TraceRule:
        return TraceRule(
            traces={"x": Trace("pre", self.tau), "y": Trace("post", self.tau)},
            on_pre="rise - fall*y",
            on_post="-fall*x",
            parameters={"fall": self.fall, "rise": self.rise},
            w_min=self.w_min,
            w_max=self.w_max,
            half_life=self.half_life,
            normalisation=self.normalisation,
        )
