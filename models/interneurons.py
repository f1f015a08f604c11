"""Layers with inhibition by distance, and circuits of pyramidal, PV, SST and VIP cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scnnbio_models import gabor_layers
from scnnbio_models.gabor_layers import CM, TAU_E, cells

from scnnbio.connectors import EdgeListConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.population import Population
from scnnbio.shapes import Shape
from scnnbio.units import plain

#: Probability that a cell of the first type connects to one of the second at its place: Hertäg &
#: Sprekeler 2019, as a program that cites them gives it; the paper was not read. Which interneurons
#: inhibit which is as the abstract of Pfeffer et al. 2013 says: PV cells each other, SST cells all
#: others, VIP cells SST cells.
PROBABILITY = {
    ("pyr", "pyr"): 0.10, ("pyr", "pv"): 0.45, ("pyr", "sst"): 0.35, ("pyr", "vip"): 0.10,
    ("pv", "pyr"): 0.60, ("pv", "pv"): 0.50,
    ("sst", "pyr"): 0.55, ("sst", "pv"): 0.60, ("sst", "vip"): 0.45,
    ("vip", "sst"): 0.50,
}  # fmt: skip
#: Cells of each type at a place, for 16 pyramidal cells; SST cells have an orientation each.
_CELLS = {"pv": 2, "vip": 2}


def build(
    *,
    orientations: int = 2,
    phases: int = 12,
    size: int = 13,
    places: int = 5,
    stride: int = 5,
    frequency: float = 0.12,
    psp: float | str = 26.5,
    subtraction: float | str = 0.01,
    shunt: float | str = 0.0024,
    reach: float = 1.2,
    near: float = 0.4,
    epsp: float | str = 6.0,
    ipsg: float | str = 0.01,
    background: float | str = 0.06,
    vip_drive: float | str = 0.08,
    delay: float | str = 1.0,
    seed: int = 0,
) -> Network:
    """LGN to layers whose inhibition falls with distance, and to two circuits of four cell types.

    The layers are those of ``gabor_layers``. In the circuits, SST cells take their excitation
    from pyramidal cells of their orientation over a wide range, all others from near ones; VIP
    cells inhibit SST cells. The circuits are alike, but a constant current drives the VIP cells
    of the second. Only the probabilities of connections differ between types: all excitatory
    connections are equally strong, and so are all inhibitory ones.

    Parameters
    ----------
    orientations, phases, size, stride, frequency, psp, subtraction, shunt, delay
        See the model ``gabor_layers``.
    places : int
        Rows and columns of places.
    reach : float
        Standard deviation (places) of the fall of inhibition in the layers, and of the range from
        which SST cells are excited.
    near : float
        The same of all other connections.
    epsp : float or str
        Depolarisation by a spike of a pyramidal cell (mV).
    ipsg : float or str
        Conductance of a spike of an interneuron (uS), which reverses at rest.
    background : float or str
        Standard deviation of the current that each interneuron receives (nA).
    vip_drive : float or str
        Current that drives the VIP cells of the second circuit (nA).
    seed : int
        Of the connections.

    Returns
    -------
    Network
        ``lgn``, ``control``, ``subtractive``, ``shunting``, each (maps, places, places); ``pyr``,
        ``pv``, ``sst``, ``vip``, and the same names with ``_driven``.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.

    References
    ----------
    Hertäg & Sprekeler 2019, PLoS Comput Biol 15:e1006999 (probabilities); Pfeffer et al. 2013, Nat
    Neurosci 16:1068 (which interneurons inhibit which); Adesnik et al. 2012, Nature 490:226 (SST
    cells pool over space); Litwin-Kumar, Rosenbaum & Doiron 2016, J Neurophysiol 115:1399.
    """
    whole = isinstance(places, int) and not isinstance(places, bool)
    if not whole or not 2 <= places <= 100:
        raise SpecError(f"{places!r} is not from 2 to 100", where="parameters.places")
    for name, value in (("reach", reach), ("near", near)):
        if plain(value, "1", where=f"parameters.{name}") <= 0:
            raise SpecError(f"{value!r} is not above 0", where=f"parameters.{name}")
    network = gabor_layers.build(
        orientations=orientations, phases=phases, size=size, stride=stride, frequency=frequency,
        extent=size + (places - 1) * stride, psp=psp, noise=0.0, subtraction=subtraction,
        shunt=shunt, radius=min(places - 1, 2), reach=reach, delay=delay,
    )  # fmt: skip
    layer = network.population("control").shape
    feed = network.projection("lgn_control")
    shapes = {"pyr": layer, "sst": (orientations, *layer[1:])}
    shapes |= {kind: (number, *layer[1:]) for kind, number in _CELLS.items()}
    strong = {
        True: _number("epsp", epsp, "mV") * CM / TAU_E,
        False: _number("ipsg", ipsg, "uS"),
    }
    drive = _number("vip_drive", vip_drive, "nA")
    rng = np.random.default_rng(seed)
    drawn = {
        (pre, post): _edges(
            rng, shapes[pre], shapes[post], chance, reach if post == "sst" else near,
            alike=(pre, post) == ("pyr", "sst"), same=pre == post,
        )
        for (pre, post), chance in PROBABILITY.items()
    }  # fmt: skip
    populations, projections = list(network.populations), list(network.projections)
    for ending in ("", "_driven"):
        for kind, shape in shapes.items():
            noise = 0.0 if kind == "pyr" else background
            made = cells(f"{kind}{ending}", shape, noise)
            if kind == "vip" and ending:
                parameters = {**made.parameters, "i_offset": drive}
                made = Population(made.name, shape, made.neuron, parameters, noise=made.noise)
            populations.append(made)
        projections.append(
            Projection(
                "lgn", f"pyr{ending}", feed.connector, weight=feed.weight, delay=feed.delay,
                receptor="excitatory",
            )
        )  # fmt: skip
        for (pre, post), edges in drawn.items():
            excites = pre == "pyr"
            projections.append(
                Projection(
                    f"{pre}{ending}", f"{post}{ending}",
                    EdgeListConnector(shapes[pre], shapes[post], edges),
                    weight=strong[excites], delay=feed.delay,
                    receptor="excitatory" if excites else "shunting",
                )
            )  # fmt: skip
    return Network(tuple(populations), tuple(projections))


def _edges(
    rng: np.random.Generator,
    pre: Shape,
    post: Shape,
    chance: float,
    reach: float,
    *,
    alike: bool,
    same: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Connections whose probability falls with distance.

    ``alike``: of one orientation only; ``same``: within one population, none to a cell itself.
    """
    (a, row_a, column_a), (b, row_b, column_b) = np.indices(pre), np.indices(post)
    rows = row_a.ravel()[:, None] - row_b.ravel()
    columns = column_a.ravel()[:, None] - column_b.ravel()
    probability = chance * np.exp(-0.5 * (rows**2 + columns**2) / reach**2)
    if alike:
        # Maps are sorted by orientation; the post-synaptic cells have one each.
        probability *= (a.ravel()[:, None] * post[0]) // pre[0] == b.ravel()
    if same:
        np.fill_diagonal(probability, 0.0)
    first, second = np.nonzero(rng.random(probability.shape) < probability)
    return first, second


def _number(name: str, value: float | str, unit: str) -> float:
    number = plain(value, unit, where=f"parameters.{name}")
    if number < 0:
        raise SpecError(f"{number:g} {unit} is below 0", where=f"parameters.{name}")
    return number
