"""ForceAtlas2 (Jacomy et al., PLoS ONE 2014) in its LinLog form, with the repulsion computed on a mesh.

All nodes repel each other in proportion to their masses, and edges attract. Instead of a tree (Barnes and
Hut), a mesh carries the masses, and a fast Fourier transform convolves it with the potential of one mass:
n + m + G log G operations a step for n nodes, m edges and G cells. Positions are complex numbers: x + iy.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, Nodes
from twittomatic.dataset.progress import Progress, no_progress

Positions: TypeAlias = npt.NDArray[np.complex128]

_SCALING = 2.0  # strength of the repulsion, ForceAtlas2's own default for small graphs
_GRAVITY = 1.0
_TOLERANCE = 0.05  # how much swinging a node may do; ForceAtlas2's factor for large graphs
_LONGEST_MOVE = 0.1  # in one step, as a share of the side of the mesh
_EFFICIENCY = 0.05  # lower bound of the factor that reduces the speed
_SMOOTHINGS = 12  # rounds of smoothing of the random initial positions


def arrange(
    graph: Graph,
    *,
    seed: int = 1,
    steps: int | None = None,
    mesh: int | None = None,
    progress: Progress = no_progress,
) -> Positions:
    """Compute a force-directed layout: connected users are near each other.

    The result is the same for the same graph and seed on one machine.

    Args:
        graph: The follow graph.
        seed: Seed of the random initial positions.
        steps: Steps of the simulation; None chooses by the size of the graph, see `default_steps`.
        mesh: Cells along a side of the mesh, a power of two; None chooses by the size of the graph.
        progress: Called with the steps that are done, and their total.

    Returns:
        Position of each node as a complex number x + iy, centered on 0, in arbitrary units (complex128,
        shape n).
    """
    n = graph.node_count
    if n < 2:
        return np.zeros(n, np.complex128)
    steps = steps or default_steps(n)
    field = _Field(mesh or (256 if n <= 20_000 else 512))
    follower = graph.followers
    in_degrees = graph.in_degrees()
    mass = (in_degrees + graph.out_degrees() + 1).astype(np.float64)
    followed = np.repeat(np.arange(n, dtype=np.int32), in_degrees)
    position = _spread(followed, follower, mass, np.random.default_rng(seed)) * (2 * np.sqrt(n))
    last = np.zeros(n, np.complex128)
    speed = efficiency = 1.0
    for step in range(steps):
        force, side = field.repulsion(position, mass)
        force *= _SCALING * mass
        force -= (_GRAVITY * mass / (np.abs(position) + 1e-9)) * position
        force += _attraction(position, followed, follower)
        # The global speed as in ForceAtlas2: the more the nodes oscillate, the slower they move.
        swing = np.abs(force - last)
        swinging = float(mass @ swing)
        traction = float(mass @ np.abs(force + last)) / 2
        tolerance = _TOLERANCE * np.sqrt(n)
        jitter = max(np.sqrt(tolerance), min(10.0, tolerance * traction / n**2))
        if swinging > 2 * traction:
            efficiency = max(efficiency * 0.5, _EFFICIENCY)
            jitter = max(jitter, 1.0)
        target = jitter * efficiency * traction / max(swinging, 1e-12)
        if swinging > jitter * traction:
            efficiency = max(efficiency * 0.7, _EFFICIENCY)
        elif speed < 1000:
            efficiency *= 1.3
        speed += min(target - speed, speed / 2)
        move = force * (speed / (1 + np.sqrt(speed * swing)))
        move /= np.maximum(1.0, np.abs(move) / (_LONGEST_MOVE * side))
        position += move
        last = force
        progress("Arranging users", step + 1, steps)
    centred: Positions = position - np.average(position, weights=mass)
    return centred


def default_steps(nodes: int) -> int:
    """Return the number of steps after which the layout of a graph of this size changes little."""
    return 300 if nodes <= 20_000 else 200


class _Field:
    """The repulsion of all nodes, on a square mesh that is fitted to their positions in each step.

    Args:
        cells: Cells along a side.
    """

    def __init__(self, cells: int) -> None:
        self._cells = cells
        offset = np.fft.ifftshift(np.arange(-cells, cells)).astype(np.float64)
        potential = -0.5 * np.log(offset[:, None] ** 2 + offset**2 + 0.25)  # softened by half a cell
        self._spectrum = np.fft.rfft2(potential).astype(np.complex64)

    def repulsion(self, position: Positions, mass: npt.NDArray[np.float64]) -> tuple[Positions, float]:
        """Return the force per unit of mass on each node (complex128, shape n), and the side of the mesh.

        The force between two masses is their product divided by their distance.
        """
        g = self._cells
        low = complex(position.real.min(), position.imag.min())
        side = max(float(np.ptp(position.real)), float(np.ptp(position.imag))) * 1.001 + 1e-9
        cell = side / (g - 4)
        at = (position - low) / cell + (1 + 1j)
        x, y = at.real.astype(np.int32), at.imag.astype(np.int32)
        fx, fy = at.real - x, at.imag - y
        corner = x * g + y
        shares = [((1 - fx) * (1 - fy), 0), (fx * (1 - fy), g), ((1 - fx) * fy, 1), (fx * fy, g + 1)]
        density = np.zeros(g * g)
        for share, offset in shares:
            density += np.bincount(corner + offset, share * mass, minlength=g * g)
        total = density.sum()
        # The rows that pad the mesh are empty before the transform, and are not needed after it.
        rows = np.fft.rfft((density / total).astype(np.float32).reshape(g, g), 2 * g, axis=1)
        columns = np.fft.fft(rows, 2 * g, axis=0) * self._spectrum
        potential = np.fft.irfft(np.fft.ifft(columns, axis=0)[:g], 2 * g, axis=1)[:, :g]
        slope = np.zeros((g, g), np.complex128)
        slope[1:-1].real = potential[:-2] - potential[2:]
        slope[:, 1:-1].imag = potential[:, :-2] - potential[:, 2:]
        flat = slope.ravel()
        force = np.zeros(len(position), np.complex128)
        for share, offset in shares:
            force += share * flat[corner + offset]
        return force * (total / (2 * cell)), side


def _attraction(position: Positions, followed: Nodes, follower: Nodes) -> Positions:
    """Return the attraction of its edges on each node: for each edge, log(1 + length)."""
    n = len(position)
    pull = position[follower]
    pull -= position[followed]
    length = np.abs(pull)
    length += 1e-9
    pull *= np.log1p(length) / length
    real, imaginary = pull.real.copy(), pull.imag.copy()
    return (
        np.bincount(followed, real, minlength=n)
        - np.bincount(follower, real, minlength=n)
        + 1j * (np.bincount(followed, imaginary, minlength=n) - np.bincount(follower, imaginary, minlength=n))
    )


def _spread(
    followed: Nodes,
    follower: Nodes,
    mass: npt.NDArray[np.float64],
    random: np.random.Generator,
) -> Positions:
    """Return random positions, smoothed along the edges so that neighbors begin near each other."""
    n = len(mass)
    vectors = random.standard_normal((2, n))
    for _ in range(_SMOOTHINGS):
        for vector in vectors:
            around = np.bincount(followed, vector[follower], minlength=n)
            around += np.bincount(follower, vector[followed], minlength=n)
            vector += around / np.maximum(mass - 1, 1)
            vector -= np.average(vector, weights=mass)
            vector /= np.sqrt(np.average(vector**2, weights=mass)) + 1e-12
        vectors[1] -= vectors[0] * np.average(vectors[0] * vectors[1], weights=mass)
    x, y = np.clip(vectors, -3, 3) + random.standard_normal((2, n)) * 0.05
    position: Positions = x + 1j * y
    return position
