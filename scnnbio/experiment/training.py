"""Settings of training by gradients, as one value."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, final, get_args

from scnnbio.errors import SpecError, not_one_of
from scnnbio.experiment.surrogates import Surrogate
from scnnbio.units import Hertz, Number, plain
from scnnbio.values import FrozenTable, Value, fields_of

Loss = Literal["rate", "first-spike", "membrane"]
Schedule = Literal["constant", "cosine"]
Precision = Literal["single", "mixed", "double"]
Arithmetic = Literal["spinnaker"]

_CHOICES: dict[str, Any] = {
    "loss": Loss, "schedule": Schedule, "precision": Precision, "quantise": Arithmetic,
}  # fmt: skip
_COUNTS = ("epochs", "batch", "average", "truncate", "checkpoint")
_POSITIVE = ("learning_rate", "sharpness", "rate_penalty", "budget", "budget_penalty")
_OPTIONAL = ("average", "truncate", "checkpoint", "budget", "quantise")


@final
@dataclass(frozen=True)
class Training(Value):
    """How a network is trained by surrogate gradients.

    The channels of the readout are the classes; the neurons of a channel vote together.

    Parameters
    ----------
    epochs : int
        Number of passes over all trials.
    batch : int
        Number of trials per step of the optimiser.
    learning_rate : float
        Step of Adam, as a share of the root mean square of each kernel at the beginning, of each
        positive parameter, of the range of lags for delays, and of the distance to threshold for
        other parameters.
    schedule : {"cosine", "constant"}
        The learning rate over the training: down to zero along half a cosine, or constant.
    average : int, optional
        Number of batches over which weights, learned parameters and shared thresholds are averaged.
        Their means are judged on validation and kept: of all batches so far, and from that number
        on an exponential mean with it as its time constant (Polyak & Juditsky 1992, SIAM J Control
        Optim 30:838). Learning itself goes on from the values of the last batch.
    loss : {"rate", "first-spike", "membrane"}
        What the cross-entropy is taken of: the mean number of spikes of a channel's neurons; minus
        the step of their first spike; or the largest potential of their trial, as its excess over
        threshold in widths of the surrogate.
    sharpness : float
        Factor on what the softmax is taken of.
    surrogate : Surrogate
        What stands for the derivative of a spike.
    through_reset : bool
        Whether the gradient includes the effect of a spike on its own neuron by the reset (Zenke &
        Vogels 2021, Neural Comput 33:899, omit it).
    learn : mapping of str to sequence of str
        Population → parameters of its neurons that are learned: time constants, thresholds. Each
        keeps its number of values: one for all neurons, one per channel or one per neuron.
    fixed : sequence of str
        Projections whose kernels stay as they are.
    delays : sequence of str
        Projections whose delays are learned. Their connector is a
        :class:`~scnnbio.connectors.ConvolutionConnector` with lags, in which each kernel element
        acts at one lag (:meth:`~scnnbio.connectors.ConvolutionConnector.delayed`), or an
        :class:`~scnnbio.connectors.EdgeListConnector`, whose connections can get each lag from the
        shortest to the longest that they begin with. In training a weight acts at all
        lags, by shares that are a Gaussian around its delay. The standard deviation is
        half the range of lags at first, and shrinks exponentially to a quarter of the shortest
        distance between lags in the first half of the training. The trained network, which is also
        judged on validation, has the nearest lags (Hammouamri, Khalfaoui-Hassani & Masquelier 2024,
        ICLR).
    dropout : mapping of str to float
        Population → share of its neurons whose spikes do not reach other populations, drawn in
        each trial of training (Srivastava et al. 2014, J Mach Learn Res 15:1929). The spikes of the
        others count more by as much. Validation, and the network that is kept, have all neurons.
    truncate : int, optional
        Number of steps after which gradients are truncated.
    checkpoint : int, optional
        Steps of a piece of which only the beginning is kept for the backward pass, which computes
        the piece again: less memory, more time, the same gradient.
    rates : (float, float), optional
        Mean rate of a neuron in Hz below and above which it costs: the square of how far it is
        outside, in units of the upper bound, mean over all neurons but those of the readout.
    rate_penalty : float
        Weight of that.
    budget : float, optional
        Synaptic operations per trial, a spike counting once for each of its connections, above
        which they cost: the square of the excess, as a share of the budget.
    budget_penalty : float
        Weight of that.
    quantise : {"spinnaker"}, optional
        A machine whose weights the forward pass uses; gradients pass through the rounding
        (Bengio, Leonard & Courville 2013, arXiv:1308.3432).
    precision : {"single", "mixed", "double"}
        Of torch's numbers. Mixed is single, but gradients of convolutions and dense products are
        computed from numbers of 16 bits (bfloat16), which is faster on processors that can.

    Raises
    ------
    SpecError
        If a value is out of range, a penalty is given without what it is the weight of, or
        ``truncate`` and ``checkpoint``, or ``delays`` and ``quantise``, are both given.
    """

    epochs: int = 10
    batch: int = 128
    learning_rate: Number = 0.02
    schedule: Schedule = "cosine"
    average: int | None = None
    loss: Loss = "rate"
    sharpness: Number = 1.0
    surrogate: Surrogate = field(default_factory=Surrogate)
    through_reset: bool = False
    learn: Mapping[str, tuple[str, ...]] = field(default_factory=FrozenTable)
    fixed: tuple[str, ...] = ()
    delays: tuple[str, ...] = ()
    dropout: Mapping[str, Number] = field(default_factory=FrozenTable)
    truncate: int | None = None
    checkpoint: int | None = None
    rates: tuple[Hertz, Hertz] | None = None
    rate_penalty: Number = 1.0
    budget: Number | None = None
    budget_penalty: Number = 1.0
    quantise: Arithmetic | None = None
    precision: Precision = "single"

    def __post_init__(self) -> None:
        for name in (*_COUNTS, *_POSITIVE, *_CHOICES):
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            object.__setattr__(self, name, _checked(name, value))
        if not isinstance(self.surrogate, Surrogate):
            raise SpecError(
                f"{reprlib.repr(self.surrogate)} is not a Surrogate", where="training.surrogate"
            )
        if not isinstance(self.through_reset, bool):
            raise SpecError(
                f"{self.through_reset!r} is not true or false", where="training.through_reset"
            )
        for name in ("fixed", "delays"):
            object.__setattr__(self, name, _names(getattr(self, name), f"training.{name}"))
        if self.delays and self.quantise is not None:
            raise SpecError(
                "weights are not rounded while delays are learned; learn the delays first, and then"
                " train the network again with quantise",
                where="training.quantise",
            )
        for name in ("learn", "dropout"):
            if not isinstance(given := getattr(self, name), Mapping):
                raise SpecError(
                    f"{reprlib.repr(given)} is not a table of populations",
                    where=f"training.{name}",
                )
        dropped = {n: _share(v, f"training.dropout.{n}") for n, v in self.dropout.items()}
        object.__setattr__(self, "dropout", FrozenTable(dropped))
        learned = {n: _names(v, f"training.learn.{n}") for n, v in self.learn.items()}
        object.__setattr__(self, "learn", FrozenTable(learned))
        if self.rates is not None:
            object.__setattr__(self, "rates", _range(self.rates))
        for name, priced in (("rates", "rate_penalty"), ("budget", "budget_penalty")):
            if getattr(self, name) is None and getattr(self, priced) != 1.0:
                raise SpecError(
                    f"it is the weight of {name}, without which it does nothing; give both",
                    where=f"training.{priced}",
                )
        if self.truncate is not None and self.checkpoint is not None:
            raise SpecError(
                "truncate keeps little in memory by itself; give truncate or checkpoint, not both",
                where="training.checkpoint",
            )

    def canonical_fields(self) -> dict[str, Any]:
        """The fields; those that earlier versions lacked only where they are given."""
        found = fields_of(self)
        for name in ("delays", "dropout"):
            if not found[name]:
                del found[name]  # their experiments keep their identity
        return found


def _checked(name: str, value: Any) -> Any:
    where = f"training.{name}"
    if name in _CHOICES:
        if value not in get_args(_CHOICES[name]):
            raise SpecError(not_one_of(value, get_args(_CHOICES[name])), where=where)
        return value
    if name in _POSITIVE:
        number = plain(value, "1", where=where)
        if number <= 0:
            raise SpecError(f"{number:g} is not positive", where=where)
        return number
    try:
        count = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = 0
    if count < 1:
        raise SpecError(f"{reprlib.repr(value)} is not a whole number from 1 up", where=where)
    return count


def _names(given: Any, where: str) -> tuple[str, ...]:
    if isinstance(given, str) or not all(isinstance(name, str) for name in given):
        raise SpecError(f"{reprlib.repr(given)} is not a list of names", where=where)
    return tuple(given)


def _share(value: Any, where: str) -> float:
    number = plain(value, "1", where=where)
    if not 0.0 <= number < 1.0:
        raise SpecError(f"{number:g} is not a share from 0 to below 1", where=where)
    return number


def _range(given: Any) -> tuple[float, float]:
    where = "training.rates"
    try:
        low, high = (plain(end, "Hz", where=where) for end in given)
    except (TypeError, ValueError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(
            f"{reprlib.repr(given)} is not (lowest, highest) in Hz", where=where
        ) from None
    if not 0 <= low < high:
        raise SpecError(f"{low:g} to {high:g} Hz is not a range of rates from 0 up", where=where)
    return low, high
