"""Hash-based pseudo-random numbers: the same seed and value give the same bits on every machine.

The finalizer is that of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014). Scalars and numpy arrays give equal results.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.uint64]

MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15
FIRST = 0xBF58476D1CE4E5B9
SECOND = 0x94D049BB133111EB

_GAMMA, _FIRST, _SECOND = np.uint64(GAMMA), np.uint64(FIRST), np.uint64(SECOND)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


def mix(seed: int, value: int) -> int:
    """Return 64 well-mixed bits of a seed and a value, both non-negative integers."""
    x = ((seed ^ value) * GAMMA + seed) & MASK
    x = ((x ^ (x >> 30)) * FIRST) & MASK
    x = ((x ^ (x >> 27)) * SECOND) & MASK
    return x ^ (x >> 31)


def mix_array(seed: int | Array, values: Array) -> Array:
    """Return `mix(seed, v)` for every v of an array, with one seed or an array of seeds below 2**64."""
    s = np.uint64(seed) if isinstance(seed, int) else seed
    x = (values ^ s) * _GAMMA + s
    x = (x ^ (x >> _S30)) * _FIRST
    x = (x ^ (x >> _S27)) * _SECOND
    mixed: Array = x ^ (x >> _S31)
    return mixed


def derive(seed: int, label: str) -> int:
    """Return a separate seed for one purpose, so that no two purposes share random bits."""
    return mix(seed & MASK, int.from_bytes(label.encode(), "big") & MASK)
