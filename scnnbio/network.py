"""A network as a plain value: populations and the projections between them."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio._signs import check_signs
from scnnbio.connectors import KernelConnector
from scnnbio.errors import SpecError, hint
from scnnbio.neurons.parsing import check_name
from scnnbio.plasticity import LearningRule, WinnerTakeAll
from scnnbio.population import Population
from scnnbio.units import In, Milliseconds, plain, plain_array
from scnnbio.values import Value


@dataclass(frozen=True, eq=False)
class Projection(Value):
    """Connections from one population to another, or to itself.

    Parameters
    ----------
    pre, post : str
        Names of the populations.
    connector : KernelConnector
        Owns the initial kernel, or the weights of single connections, which have no unit.
    weight : float or str
        What a kernel element of 1 adds to the receptor's variable, in that variable's unit (nA for
        a current, mV for a membrane jump).
    delay : float or str
        In ms, at least one step. The lags of a kernel in space and time come on top of it.
    receptor : str
        One of the postsynaptic model's receptors.
    plasticity : SharedSTDP, TripletSTDP or TraceRule, optional
    name : str, optional
        ``"<pre>_<post>"`` if not given.
    """

    pre: str
    post: str
    connector: KernelConnector
    weight: Annotated[float, In(None)] = 1.0
    delay: Milliseconds = 1.0
    receptor: str = "excitatory"
    plasticity: LearningRule | None = None
    name: str = ""

    def __post_init__(self) -> None:
        check_name(self.pre, "projection.pre")
        check_name(self.post, "projection.post")
        object.__setattr__(self, "name", self.name or f"{self.pre}_{self.post}")
        check_name(self.name, "projection.name")
        where = f"projection {self.name!r}"
        if not isinstance(self.connector, KernelConnector):
            raise SpecError(
                f"{reprlib.repr(self.connector)} is not a connector of layers; use one of"
                " scnnbio.connectors, such as a ConvolutionConnector, a DenseConnector or an"
                " EdgeListConnector",
                where=f"{where}.connector",
            )
        if self.connector.delay is not None:
            raise SpecError(
                "the connector has a delay of its own; give it to the projection",
                where=f"{where}.delay",
            )
        if not isinstance(self.plasticity, LearningRule | None):
            raise SpecError(
                f"{reprlib.repr(self.plasticity)} is not a learning rule; use SharedSTDP,"
                " TripletSTDP or TraceRule",
                where=f"{where}.plasticity",
            )
        object.__setattr__(self, "delay", plain(self.delay, "ms", where=f"{where}.delay"))
        if self.delay <= 0:
            raise SpecError(f"{self.delay} ms is not positive", where=f"{where}.delay")
        if self.plasticity is not None and not self.connector.learnable:
            raise SpecError(
                f"a {type(self.connector).__name__} {self.connector.why_fixed}; use a"
                " ConvolutionConnector, or leave the plasticity out",
                where=f"{where}.plasticity",
            )

    @property
    def kernel(self) -> NDArray[np.float64]:
        """The initial kernel (out, in, row, column) or (out, in, row, column, lag).

        Of a connector that shares no weights, all of them, in its shape.
        """
        return self.connector.kernel

    @property
    def delays(self) -> tuple[float, ...]:
        """Delay of each lag of the connector in ms, increasing; one where it has no lags."""
        return tuple(self.delay + lag for lag in self.connector.lags or (0.0,))


@dataclass(frozen=True, eq=False)
class Network(Value):
    """Populations and projections, checked against one another.

    Parameters
    ----------
    populations : sequence of Population
    projections : sequence of Projection

    Raises
    ------
    SpecError
        If names repeat, a projection points at nothing, shapes do not fit, a receptor is missing,
        or a weight has the wrong unit, or a sign that the receptor does not take: a conductance is
        never negative, and inhibition inhibits.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]

    def __post_init__(self) -> None:
        kinds: dict[str, type[Population | Projection]]
        kinds = {"populations": Population, "projections": Projection}
        # Populations and projections share one set of names: weights are filed under them.
        names: set[str] = set()
        for label, kind in kinds.items():
            members = tuple(getattr(self, label))
            object.__setattr__(self, label, members)
            for member in members:
                if not isinstance(member, kind):
                    raise SpecError(f"{member!r} is not a {kind.__name__}", where=label)
                if member.name in names:
                    raise SpecError(f"the name {member.name!r} is used twice", where=label)
                names.add(member.name)
        object.__setattr__(self, "projections", tuple(map(self._checked, self.projections)))

    def _checked(self, projection: Projection) -> Projection:
        """The projection, its weight in the unit of the receptor, which only the network knows."""
        where = f"projection {projection.name!r}"
        pre, post = self._end(projection.pre, where), self._end(projection.post, where)
        connector = projection.connector
        for end, expected in ((pre, connector.in_shape), (post, connector.out_shape)):
            if end.shape != tuple(expected):
                raise SpecError(
                    f"population {end.name!r} has shape {end.shape}, but the connector needs"
                    f" {tuple(expected)}",
                    where=where,
                )
        if post.is_source:
            raise SpecError(f"{post.name!r} is a spike source and takes no input", where=where)
        receptors = post.model.receptors
        if not isinstance(projection.receptor, str) or projection.receptor not in receptors:
            raise SpecError(
                f"{post.neuron.name} has no receptor {projection.receptor!r};"
                f" {hint(str(projection.receptor), receptors, 'it has')}",
                where=where,
            )
        if projection.plasticity is not None:
            try:
                projection.plasticity.check_kernel(projection.kernel, connector.present)
            except SpecError as error:
                place = ".".join(filter(None, [where, error.where]))
                raise SpecError(error.message, where=place) from None
        unit = post.model.unit_of(receptors[projection.receptor])
        weight = plain(projection.weight, unit, where=f"{where}.weight")
        rule, receptor = projection.plasticity, projection.receptor
        check_signs(connector, weight, rule, post.model, receptor, post.values(), where)
        return dataclasses.replace(projection, weight=weight)

    def _end(self, name: str, where: str) -> Population:
        for population in self.populations:
            if population.name == name:
                return population
        said = hint(str(name), (p.name for p in self.populations))
        raise SpecError(f"there is no population {name!r}; {said}", where=where)

    def population(self, name: str) -> Population:
        """The population of that name."""
        return self._end(name, "network")

    def projection(self, name: str) -> Projection:
        """The projection of that name."""
        for projection in self.projections:
            if projection.name == name:
                return projection
        said = hint(str(name), (p.name for p in self.projections))
        raise SpecError(f"there is no projection {name!r}; {said}", where="network")

    def into(self, name: str) -> tuple[Projection, ...]:
        """Projections that end in a population, in the order of the network."""
        return tuple(p for p in self.projections if p.post == name)

    @property
    def sources(self) -> tuple[Population, ...]:
        """The populations that only emit what they are given."""
        return tuple(p for p in self.populations if p.is_source)

    @property
    def learns(self) -> bool:
        """Whether any projection or threshold is plastic."""
        return any(p.plasticity for p in self.projections) or any(
            p.homeostasis for p in self.populations
        )

    def with_weights(self, weights: Mapping[str, Annotated[ArrayLike, In(None)]]) -> Network:
        """The same network with other kernels and shared thresholds.

        Parameters
        ----------
        weights : mapping of str to array
            Kernels by projection, in the shape of the connector's, and thresholds (channels,) in
            mV by population, as :attr:`Run.weights` holds them.

        Returns
        -------
        Network

        Raises
        ------
        SpecError
            If a name is neither a projection nor a population with a shared threshold.
        """
        known = {p.name for p in self.projections}
        known |= {p.name for p in self.populations if p.homeostasis}
        unknown = set(weights) - known
        if unknown:
            first = min(unknown)
            said = hint(first, sorted(known), "weights are of")
            raise SpecError(f"{first!r} has no weights; {said}", where="network.with_weights")
        projections = tuple(
            dataclasses.replace(p, connector=p.connector.with_kernel(weights[p.name]))
            if p.name in weights
            else p
            for p in self.projections
        )
        populations = tuple(
            dataclasses.replace(
                p,
                parameters={
                    **p.parameters,
                    p.homeostasis.parameter: plain_array(weights[p.name], "mV", where=p.name),
                },
            )
            if p.name in weights and p.homeostasis
            else p
            for p in self.populations
        )
        return Network(populations, projections)

    def without_plasticity(self) -> Network:
        """The same network with every kernel and threshold fixed; what silences still does."""
        return Network(
            tuple(
                dataclasses.replace(p, homeostasis=None, competition=_of_firing(p.competition))
                for p in self.populations
            ),
            tuple(dataclasses.replace(p, plasticity=None) for p in self.projections),
        )


def _of_firing(competition: WinnerTakeAll | None) -> WinnerTakeAll | None:
    """What is left of a competition where nothing learns."""
    return competition if competition is not None and competition.silence else None
