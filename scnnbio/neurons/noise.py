"""Background noise of neurons, as data: Poisson trains and Ornstein-Uhlenbeck processes.

A population has any number of them. They are drawn above the backends, for each neuron on its own.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, final

from scnnbio.errors import SpecError
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.parsing import renamed
from scnnbio.neurons.ports import port
from scnnbio.neurons.variables import Parameter
from scnnbio.units import Hertz, In, Milliseconds, plain
from scnnbio.values import Value, fields_of


class Noise(Value, ABC):
    """Background noise of every neuron of a population, independent between neurons.

    Draws follow from the experiment's seed, the trial, the name of the population and the place of
    the noise among its noises: other populations and inputs change nothing.
    """

    @abstractmethod
    def checked(self, model: NeuronModel, where: str) -> Noise:
        """The noise with numbers in the units of a model.

        Parameters
        ----------
        model : NeuronModel
        where : str
            Path into the document, for errors.

        Returns
        -------
        Noise

        Raises
        ------
        SpecError
            If the model has no such receptor or port, or a number does not fit.
        """


@final
@dataclass(frozen=True)
class PoissonNoise(Noise):
    """A Poisson train of spikes into each neuron.

    The number of spikes in a step is Poisson distributed, also where several are likely. They
    arrive one step after they are drawn.

    Parameters
    ----------
    rate : float
        Of the train of each neuron (Hz).
    weight : float or str
        What a spike adds to the receptor's variable, in its unit.
    receptor : str
        One of the model's receptors.

    Raises
    ------
    SpecError
        If the rate is negative.
    """

    rate: Hertz
    weight: Annotated[float, In(None)]
    receptor: str = "excitatory"

    def __post_init__(self) -> None:
        rate = plain(self.rate, "Hz", where="noise.rate")
        if rate < 0:
            raise SpecError(f"{rate:g} Hz is negative; write 0 or more", where="noise.rate")
        object.__setattr__(self, "rate", rate)

    def checked(self, model: NeuronModel, where: str) -> PoissonNoise:
        """The noise with its weight in the receptor's unit. See :meth:`Noise.checked`."""
        if not isinstance(self.receptor, str) or self.receptor not in model.receptors:
            raise SpecError(
                f"{model.name} has no receptor {self.receptor!r}; it has"
                f" {', '.join(model.receptors)}",
                where=f"{where}.receptor",
            )
        unit = model.unit_of(model.receptors[self.receptor])
        weight = plain(self.weight, unit, where=f"{where}.weight")
        return PoissonNoise(self.rate, weight, self.receptor)


@final
@dataclass(frozen=True)
class OrnsteinUhlenbeckNoise(Noise):
    r"""A current or a conductance that wanders around a mean.

    .. math:: \tau \dot x = \mu - x + \sigma \sqrt{2 \tau}\, \xi(t)

    with the stationary mean mu, standard deviation sigma and autocorrelation exp(-abs(s)/tau). It
    takes the exact step (Gillespie 1996, Phys Rev E 54:2084) on the grid on which inputs are drawn,
    and is held over each step. A trial begins with a draw from the stationary distribution, also
    where trials run on.

    Parameters
    ----------
    mean, sigma : float or str
        In the port's unit; with ``reversal`` in uS.
    tau : float
        Correlation time (ms).
    port : str
        The parameter that it is added to, one of :func:`scnnbio.neurons.ports.ports`.
    reversal : float or str, optional
        Reversal potential (mV). The process is a conductance g then: g (reversal - v) is added to
        the port, which is a current. A conductance below zero is taken as zero (Destexhe et al.
        2001, Neuroscience 107:13, whose means are 3 sigma and more).

    Raises
    ------
    SpecError
        If sigma is negative or tau not positive.
    """

    mean: Annotated[float, In(None)]
    sigma: Annotated[float, In(None)]
    tau: Milliseconds
    port: str = "i_offset"
    reversal: Annotated[float, In("mV")] | None = None

    def __post_init__(self) -> None:
        tau = plain(self.tau, "ms", where="noise.tau")
        if tau <= 0:
            raise SpecError(f"{tau:g} ms is not positive", where="noise.tau")
        object.__setattr__(self, "tau", tau)
        if self.reversal is not None:
            reversal = plain(self.reversal, "mV", where="noise.reversal")
            object.__setattr__(self, "reversal", reversal)

    @property
    def conducts(self) -> bool:
        """Whether it is a conductance with a reversal potential of its own."""
        return self.reversal is not None

    def checked(self, model: NeuronModel, where: str) -> OrnsteinUhlenbeckNoise:
        """The noise with its numbers in the port's unit. See :meth:`Noise.checked`."""
        unit = port(model, self.port, f"{where}.port").unit
        if self.conducts:
            if unit != "nA":
                raise SpecError(
                    f"a reversal potential needs a port that is a current, and {self.port!r} is in"
                    f" {unit}; leave the reversal out, or name another port",
                    where=f"{where}.reversal",
                )
            if "v" not in {state.name for state in model.states} or model.unit_of("v") != "mV":
                raise SpecError(
                    f"{model.name} has no potential 'v' that a reversal potential belongs to",
                    where=f"{where}.reversal",
                )
            unit = "uS"
        mean = plain(self.mean, unit, where=f"{where}.mean")
        sigma = plain(self.sigma, unit, where=f"{where}.sigma")
        if sigma < 0:
            raise SpecError(f"{sigma:g} {unit} is negative", where=f"{where}.sigma")
        if unit == "uS" and mean < 0:
            raise SpecError(
                f"a conductance of {mean:g} uS on average, and it is never negative; give 0 or"
                " more",
                where=f"{where}.mean",
            )
        given: dict[str, Any] = fields_of(self) | {"mean": mean, "sigma": sigma}
        return OrnsteinUhlenbeckNoise(**given)

    def step(self, dt: Milliseconds) -> tuple[float, float]:
        """Factor of the exact step, and standard deviation of what it adds.

        Parameters
        ----------
        dt : float
            Length of the step (ms).

        Returns
        -------
        left, added : float
            ``x - mean`` becomes ``left*(x - mean)`` plus a normal number of this deviation, which
            is in the unit of ``sigma``.
        """
        length = plain(dt, "ms", where="dt")
        left = math.exp(-length / self.tau)
        return left, float(self.sigma) * math.sqrt(-math.expm1(-2.0 * length / self.tau))


def noise_port(noise: OrnsteinUhlenbeckNoise, place: int) -> str:
    """The port that a noise drives: its own conductance, if it has one."""
    return f"g_noise{place}" if noise.conducts else noise.port


def conducting(model: NeuronModel, noises: Sequence[Noise]) -> NeuronModel:
    """A neuron with the conductances of its noises: ``g_noise0*(e_noise0 - v)`` beside the port.

    Parameters
    ----------
    model : NeuronModel
    noises : sequence of Noise
        Those without a reversal potential change nothing.

    Returns
    -------
    NeuronModel

    Raises
    ------
    SpecError
        If the model has a name already that a conductance would have.
    """
    parameters: dict[str, Parameter] = {}
    words: dict[str, str] = {}
    for place, noise in enumerate(noises):
        if isinstance(noise, OrnsteinUhlenbeckNoise) and noise.reversal is not None:
            g, e = noise_port(noise, place), f"e_noise{place}"
            parameters |= {g: Parameter(0.0, "uS"), e: Parameter(noise.reversal, "mV")}
            words[noise.port] = f"({words.get(noise.port, noise.port)} + {g}*({e} - v))"
    return _with_terms(model, parameters, words) if parameters else model


def _with_terms(
    model: NeuronModel, parameters: dict[str, Parameter], words: dict[str, str]
) -> NeuronModel:
    """A neuron with further parameters, and with other words for some in its rates."""
    lines = [
        f"d{state.name}/dt = {renamed(state.rate, words)} : {state.unit}"
        f"{' (unless refractory)' if state.held_when_refractory else ''}"
        for state in model.states
    ]
    return dataclasses.replace(
        model, equations="\n".join(lines) + "\n", parameters={**model.parameters, **parameters}
    )
