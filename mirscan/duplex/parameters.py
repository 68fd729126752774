"""Turner 2004 nearest-neighbour energies, as read from the table file and as the lookups by neighbouring letters that the kernels use.

All energies are int16 in 0.01 kcal/mol. Letters are A C G U N (0-4); 5 stands for "no neighbour: the strand ends here". x are miRNA letters
(5'->3'), y target letters (5'->3'); pair (x_i, y_j) is followed on the miRNA's 5' side by (x_k, y_l) with k < i and l > j.
"""

from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

MAX_LOOP = 30
NOT_PAIRED = 15000
# Pair types in the order of the table file, first letter x, second letter y; -1: no pair.
PAIR_LETTERS = ("CG", "GC", "GU", "UG", "AU", "UA")
PAIR_TYPES = np.full((6, 6), -1, dtype=np.int8)
for _index, (_x, _y) in enumerate(PAIR_LETTERS):
    PAIR_TYPES["ACGU".index(_x), "ACGU".index(_y)] = _index
_END = 5
# The recursion looks a few sizes past MAX_LOOP, where it must find NOT_PAIRED.
_LONGEST_ROW = 40


class LoopTables(NamedTuple):
    """The parameters of single loops, by pair types and letters (axes: see the `source` text in turner2004.npz)."""

    pair_types: np.ndarray
    stack: np.ndarray
    bulge: np.ndarray
    interior: np.ndarray
    asymmetry: np.ndarray
    interior_1x1: np.ndarray
    interior_1x2: np.ndarray
    interior_2x2: np.ndarray
    mismatch: np.ndarray
    mismatch_1xn: np.ndarray
    mismatch_2x3: np.ndarray
    terminal_au: np.ndarray


class ContextTables(NamedTuple):
    """Energies by [letters of the target, letters of the miRNA]; each axis is a number in base 5 (base 6 where a strand may end).

    inner      y_j y_j+1 | x_i-1 x_i   five tables: the first pair of a duplex (initiation, dangles, terminal AU/GU), and what a pair adds
               where a loop ends (interior, 1xn, 2x3 mismatch; bulge's terminal AU/GU)
    outer      y_l-1 y_l | x_k x_k+1   five tables: what a pair adds where such a loop begins, and the last pair of a duplex
    stack, bulge_mirna, bulge_target, loop_NxM   whole loops with N unpaired in the miRNA and M in the target
    long_bulge, one_sided, lopsided, general  by unpaired bases, from 0; NOT_PAIRED where another table holds, or none: bulges of 2 to 30;
               1xn loops by n (3 to 29); asymmetry of a general loop with two bases on its shorter side, by size (4 on); its size (6 to 30)
    """

    inner: np.ndarray
    outer: np.ndarray
    stack: np.ndarray
    bulge_mirna: np.ndarray
    bulge_target: np.ndarray
    loop_1x1: np.ndarray
    loop_2x1: np.ndarray
    loop_1x2: np.ndarray
    loop_2x2: np.ndarray
    long_bulge: np.ndarray
    one_sided: np.ndarray
    lopsided: np.ndarray
    general: np.ndarray
    loop_2x3: np.ndarray


@lru_cache(maxsize=1)
def _parameters() -> dict[str, np.ndarray]:
    with files(__package__).joinpath("turner2004.npz").open("rb") as handle, np.load(handle) as stored:
        return {name: stored[name] for name in stored.files}


def _asymmetry() -> np.ndarray:
    p = _parameters()
    return np.minimum(np.arange(MAX_LOOP + 1) * int(p["asymmetry"]), int(p["asymmetry_max"])).astype(np.int16)


@lru_cache(maxsize=1)
def loop_tables() -> LoopTables:
    """Single-loop parameters, read once per process."""
    p = _parameters()
    return LoopTables(
        PAIR_TYPES, p["stack"], p["bulge"], p["interior"], _asymmetry(), p["interior_1x1"], p["interior_1x2"], p["interior_2x2"],
        p["mismatch_interior"], p["mismatch_interior_1xn"], p["mismatch_interior_2x3"], p["terminal_au"].reshape(1),
    )  # fmt: skip


def _exterior(pair, neighbour5, neighbour3) -> np.ndarray:
    """Energy of a helix end: mismatch where both neighbours exist, one dangle where only one does, and the AU/GU penalty."""
    p = _parameters()
    both = p["mismatch_exterior"][pair, np.minimum(neighbour5, 4), np.minimum(neighbour3, 4)]
    only5 = p["dangle5"][pair, np.minimum(neighbour5, 4)]
    only3 = p["dangle3"][pair, np.minimum(neighbour3, 4)]
    ends = np.where(neighbour3 == _END, np.where(neighbour5 == _END, 0, only5), np.where(neighbour5 == _END, only3, both))
    return ends + _terminal_au(pair)


def _terminal_au(pair) -> np.ndarray:
    return np.where(pair >= 2, int(_parameters()["terminal_au"]), 0)


def _letters(*sizes) -> tuple[np.ndarray, ...]:
    return np.ix_(*(np.arange(size) for size in sizes))


def _table(energy, paired, target_codes: int, otherwise: int = 0) -> np.ndarray:
    """int16 (target_codes, miRNA codes).

    Only the first pair of a duplex says NOT_PAIRED: the kernel lets it veto a pair, and a second large number in a sum would overflow.
    """
    return np.ascontiguousarray(np.where(paired, energy, otherwise).astype(np.int16).reshape(target_codes, -1))


def _inner() -> np.ndarray:
    p = _parameters()
    y, y_next, x_before, x = _letters(5, 6, 6, 5)
    paired = PAIR_TYPES[x, y] >= 0
    begin = int(p["duplex_initiation"]) + _exterior(PAIR_TYPES[x, y], x_before, y_next)
    inside = PAIR_TYPES[y, x]
    neighbours = np.minimum(y_next, 4), np.minimum(x_before, 4)
    terms = [p[name][inside, *neighbours] for name in ("mismatch_interior", "mismatch_interior_1xn", "mismatch_interior_2x3")]
    terms.append(np.broadcast_to(_terminal_au(inside), terms[0].shape))
    return np.stack([_table(begin, paired, 30, NOT_PAIRED), *(_table(term, paired, 30) for term in terms)])


def _outer() -> np.ndarray:
    p = _parameters()
    y_before, y, x, x_next = _letters(6, 5, 5, 6)
    pair, paired = PAIR_TYPES[x, y], PAIR_TYPES[x, y] >= 0
    neighbours = np.minimum(x_next, 4), np.minimum(y_before, 4)
    terms = [p[name][pair, *neighbours] for name in ("mismatch_interior", "mismatch_interior_1xn", "mismatch_interior_2x3")]
    terms.append(np.broadcast_to(_terminal_au(pair), terms[0].shape))
    terms.append(_exterior(PAIR_TYPES[y, x], y_before, x_next))
    return np.stack([_table(term, paired, 30) for term in terms])


def _whole_loop(name: str, n_mirna: int, n_target: int) -> np.ndarray:
    """A tabulated loop between (x_k, y_l) and (x_i, y_j), n_mirna letters apart on the miRNA and n_target on the target."""
    p = _parameters()
    letters = _letters(*(5,) * (n_target + n_mirna + 4))
    target, mirna = letters[: n_target + 2], letters[n_target + 2 :]
    outside, inside = PAIR_TYPES[mirna[0], target[-1]], PAIR_TYPES[target[0], mirna[-1]]
    paired = (outside >= 0) & (inside >= 0)
    if name == "stack":
        energy = p["stack"][outside, inside] + (int(p["bulge"][1]) if n_mirna + n_target else 0)
    elif (n_mirna, n_target) == (1, 1):
        energy = p["interior_1x1"][outside, inside, mirna[1], target[1]]
    elif (n_mirna, n_target) == (1, 2):
        energy = p["interior_1x2"][outside, inside, mirna[1], target[1], target[2]]
    elif (n_mirna, n_target) == (2, 1):
        energy = p["interior_1x2"][inside, outside, target[1], mirna[1], mirna[2]]
    else:
        energy = p["interior_2x2"][outside, inside, mirna[1], mirna[2], target[1], target[2]]
    shape = np.broadcast_shapes(*(axis.shape for axis in letters))
    return _table(np.broadcast_to(energy, shape), np.broadcast_to(paired, shape), 5 ** (n_target + 2))


def _by_size() -> tuple[np.ndarray, ...]:
    p, asymmetry = _parameters(), _asymmetry().astype(int)
    long_bulge, one_sided, lopsided, general = np.full((4, _LONGEST_ROW), NOT_PAIRED, dtype=np.int16)
    long_bulge[2 : MAX_LOOP + 1] = p["bulge"][2:]
    one_sided[3:MAX_LOOP] = p["interior"][4:] + asymmetry[2 : MAX_LOOP - 1]
    lopsided[4:] = np.minimum(np.arange(_LONGEST_ROW - 4) * int(p["asymmetry"]), int(p["asymmetry_max"]))
    general[6 : MAX_LOOP + 1] = p["interior"][6:]
    return long_bulge, one_sided, lopsided, general, (p["interior"][5:6] + p["asymmetry"]).astype(np.int16)


@lru_cache(maxsize=1)
def context_tables() -> ContextTables:
    """Energies by letter context, built once per process (0.05 s, 1.4 MB)."""
    return ContextTables(
        _inner(), _outer(), _whole_loop("stack", 0, 0), _whole_loop("stack", 1, 0), _whole_loop("stack", 0, 1),
        _whole_loop("interior", 1, 1), _whole_loop("interior", 2, 1), _whole_loop("interior", 1, 2), _whole_loop("interior", 2, 2),
        *_by_size(),
    )  # fmt: skip
