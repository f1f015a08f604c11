"""A network: populations and the projections between them."""

from __future__ import annotations

import dataclasses
import os
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio import files
from scnnbio._html import Arrow, Box, drawing, listed, section, sized, table
from scnnbio._signs import check_noise_signs, check_signs
from scnnbio.connectors import KernelConnector, PoolingConnector
from scnnbio.errors import SpecError, hint
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.parsing import check_name
from scnnbio.neurons.polarity import polarity
from scnnbio.neurons.ports import port
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
        Holds the initial kernel, or the weights of single connections, without a unit.
    weight : float or str
        Increment of the receptor's variable per spike for a kernel element of 1, in the variable's
        unit (nA for a current, mV for a jump of the membrane potential). From a source of values,
        the contribution to the port for a kernel element of 1 and a value of 1, in the port's unit.
    delay : float or str
        In ms, at least one time step. Lags of a kernel in space and time are added to it.
    receptor : str
        One of the postsynaptic model's receptors; from a source of values, one of its
        :func:`~scnnbio.neurons.ports.ports`, such as ``"i_offset"``.
    plasticity : SharedSTDP, TripletSTDP or TraceRule, optional
        The rule by which the kernel learns.
    name : str, optional
        Default: ``"<pre>_<post>"``.
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
                "the connector has its own delay; set the delay of the projection instead",
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
            raise SpecError(
                f"{self.delay} ms is not positive; give a positive delay", where=f"{where}.delay"
            )
        if self.plasticity is not None and not self.connector.learnable:
            raise SpecError(
                f"a {type(self.connector).__name__} {self.connector.why_fixed}; use a"
                " ConvolutionConnector, or leave out plasticity",
                where=f"{where}.plasticity",
            )

    def __repr__(self) -> str:
        learns = f", learns by {type(self.plasticity).__name__}" if self.plasticity else ""
        return (
            f"Projection({self.name!r}: {self.pre!r} to {self.post!r} {self.receptor!r},"
            f" {type(self.connector).__name__} {sized(self.kernel.shape)},"
            f" weight={self.weight:g}, delay={self.delay:g} ms{learns})"
        )

    @property
    def kernel(self) -> NDArray[np.float64]:
        """The initial kernel (out, in, row, column) or (out, in, row, column, lag).

        For a connector without shared weights, all its weights, in the connector's shape.
        """
        return self.connector.kernel

    @property
    def delays(self) -> tuple[float, ...]:
        """Delay of each lag of the connector in ms, increasing; one delay without lags."""
        return tuple(self.delay + lag for lag in self.connector.lags or (0.0,))


@dataclass(frozen=True, eq=False)
class Network(Value):
    """Populations and projections, checked for consistency.

    Parameters
    ----------
    populations : sequence of Population
    projections : sequence of Projection

    Raises
    ------
    SpecError
        If names repeat, a projection names an unknown population, shapes do not fit, a receptor is
        missing, or a weight has the wrong unit or sign: a conductance must not be negative, and
        inhibition must not excite.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]

    def __post_init__(self) -> None:
        kinds: dict[str, type[Population | Projection]]
        kinds = {"populations": Population, "projections": Projection}
        # Populations and projections share one set of names, the keys of learned weights.
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
        for p in filter(lambda population: population.noise, self.populations):
            check_noise_signs(p.noise, p.model, p.values(), f"population {p.name!r}")

    def __repr__(self) -> str:
        layers = [f"{p.name} {sized(p.shape)}" for p in self.populations]
        joined = listed(p.name for p in self.projections)
        return f"Network(populations: {listed(layers)}; projections: {joined})"

    def _repr_html_(self) -> str:
        return network_html(self.populations, self.projections)

    def _checked(self, projection: Projection) -> Projection:
        """The projection, with its weight converted to the unit of the postsynaptic receptor."""
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
            raise SpecError(f"{post.name!r} is a source and takes no input", where=where)
        if pre.gives_values:
            return self._checked_values(projection, post.model, where)
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
                projection.plasticity.check_network(self._end, post, connector.kernel.size)
            except SpecError as error:
                raise SpecError(error.message, where=f"{where}.{error.where}".rstrip(".")) from None
        unit = post.model.unit_of(receptors[projection.receptor])
        weight = plain(projection.weight, unit, where=f"{where}.weight")
        rule, receptor = projection.plasticity, projection.receptor
        check_signs(connector, weight, rule, post.model, receptor, post.values(), where)
        return dataclasses.replace(projection, weight=weight)

    def _checked_values(self, projection: Projection, model: NeuronModel, where: str) -> Projection:
        """A projection that brings values to a port, its weight in the unit of the port."""
        if projection.plasticity is not None:
            raise SpecError(
                "values carry no spikes to learn from; leave it out, or encode them by FromImages",
                where=f"{where}.plasticity",
            )
        connector = projection.connector
        if isinstance(connector, PoolingConnector) and connector.passes_first_spike:
            raise SpecError(
                'values have no first spike; pool them by mode = "sum" or "average"',
                where=f"{where}.connector.mode",
            )
        unit = port(model, projection.receptor, f"{where}.receptor").unit
        return dataclasses.replace(
            projection, weight=plain(projection.weight, unit, where=f"{where}.weight")
        )

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

    def incoming(self, name: str) -> tuple[Projection, ...]:
        """Projections that end in a population, in the order of the network."""
        return tuple(p for p in self.projections if p.post == name)

    @property
    def sources(self) -> tuple[Population, ...]:
        """The populations that are sources, of spikes or of values."""
        return tuple(p for p in self.populations if p.is_source)

    @property
    def spike_sources(self) -> tuple[Population, ...]:
        """The sources of spikes."""
        return tuple(p for p in self.sources if not p.gives_values)

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
            Kernels by projection, in the connector's shape, and thresholds (channels,) in mV by
            population, as in :attr:`Run.weights`.

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

    def save(
        self, path: str | os.PathLike[str], provenance: Mapping[str, object] | None = None
    ) -> None:
        """Write the network with all its weights to one file, completely or not at all.

        Parameters
        ----------
        path : path
        provenance : mapping, optional
            Origin of the weights, such as :attr:`Run.provenance`;
            :func:`scnnbio.files.provenance` reads it.

        Raises
        ------
        SpecError
            If part of the network is of a class that cannot be restored.
        DataError
            If the file cannot be written.
        """
        files.save(self, path, provenance)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """Read the network that :meth:`save` wrote, identical to the last bit.

        Reading a file runs no code from it.

        Raises
        ------
        DataError
            If the file is missing, truncated, damaged, too large when unpacked, written by another
            program or a newer version, or if a weight is NaN or infinite.
        """
        return files.load(path, cls)

    def without_plasticity(self) -> Network:
        """The same network with all kernels and thresholds fixed.

        Competition that silences neurons stays, since it also acts without learning.
        """
        return Network(
            tuple(
                dataclasses.replace(p, homeostasis=None, competition=_silencing(p.competition))
                for p in self.populations
            ),
            tuple(dataclasses.replace(p, plasticity=None) for p in self.projections),
        )


def network_html(populations: Sequence[Population], projections: Sequence[Projection]) -> str:
    """A drawing of a network, and tables of its populations and projections."""
    boxes = [Box(p.name, (sized(p.shape), p.neuron.name)) for p in populations]
    posts = {p.name: p for p in populations}
    arrows = [
        Arrow(p.pre, p.post, p.name, _sign(p, posts[p.post]), p.plasticity is not None)
        for p in projections
    ]
    neurons = sum(p.size for p in populations)
    rules = (
        (p.name, p.pre, p.post, p.receptor, type(p.connector).__name__, sized(p.kernel.shape),
         p.weight, p.delay, type(p.plasticity).__name__ if p.plasticity else "")
        for p in projections
    )  # fmt: skip
    layers = (
        (p.name, sized(p.shape), p.size, p.neuron.name, dict(p.parameters)) for p in populations
    )
    return section(
        f"Network of {neurons:,} neurons",
        f"<div>{drawing(boxes, arrows)}</div>",
        table(("population", "shape", "neurons", "model", "parameters"), layers),
        table(
            ("projection", "from", "to", "receptor", "connector", "kernel", "weight",
             "delay (ms)", "learning"),
            rules,
        ),
    )  # fmt: skip


def _sign(projection: Projection, post: Population) -> int:
    """Effect of a projection: 1 excites, -1 inhibits, 0 depends on the weight."""
    rule, kernel = projection.plasticity, projection.kernel
    reach = (kernel.min(), kernel.max()) if rule is None else (rule.w_min, rule.w_max)
    if projection.receptor not in post.model.receptors:
        return 0  # values, of either sign
    values = {name: float(value[0]) for name, value in post.values().items()}
    effect = polarity(post.model, projection.receptor, values) * projection.weight
    ends = [effect * float(end) for end in reach]
    if min(ends) >= 0:
        return 1
    return -1 if max(ends) <= 0 else 0


def _silencing(competition: WinnerTakeAll | None) -> WinnerTakeAll | None:
    """The competition if it silences neurons; else None, as it then acts on learning alone."""
    return competition if competition is not None and competition.silence else None
