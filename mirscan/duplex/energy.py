"""Duplex energies and alignments of many miRNA x window pairs."""

from functools import lru_cache
from threading import Lock

import numpy as np

from mirscan.duplex.kernels import clear_margin, fold, prefix_energy
from mirscan.duplex.lanes import LANES
from mirscan.duplex.parameters import NOT_PAIRED, ContextTables, context_tables
from mirscan.duplex.profiles import begin_mirna, make_workspace, table_addresses
from mirscan.duplex.traceback import trace
from mirscan.errors import InputError
from mirscan.jit import helper, njit
from mirscan.notices import counted

# One register of the kernel; the longest miRNAs of miRBase 22 have 28 bases in human and 34 in any species.
MAX_MIRNA_LENGTH = LANES
MAX_TARGET_LENGTH = 30_000
# The 5' part of a miRNA whose energy is reported apart: the seed and one base on each side (nt 1-9).
SEED_PART_LENGTH = 9
# Columns of `fold_pairs`: energy of the optimum; of the best duplex that ends within the seed part; both for the perfect complement.
ENERGY, SEED_PART, PERFECT, PERFECT_SEED_PART, N_ENERGIES = range(5)


# Of two threads that built the tables at once, one would go on with addresses of tables that are freed.
_BUILDING = Lock()


def _table_addresses() -> ContextTables:
    with _BUILDING:
        return _built_once()


@lru_cache(maxsize=1)
def _built_once() -> ContextTables:
    return table_addresses(context_tables())


@helper
def _length_without_padding(codes):
    length = codes.size
    while length and codes[length - 1] == 4:
        length -= 1
    return length


@helper
def _same_letters(left, right):
    same = True
    for position in range(left.size):
        same &= left[position] == right[position]
    return same


@njit(allocates=False)
def _row_hashes(codes, hashes):
    """FNV-1a of every row: equal miRNAs get equal numbers, which is all that sorting by them needs."""
    for row in range(codes.shape[0]):
        value = np.uint64(14695981039346656037)
        for position in range(codes.shape[1]):
            value = (value ^ np.uint64(codes[row, position])) * np.uint64(1099511628211)
        hashes[row] = value


@helper
def _set_complement(mirna, length, complement):
    for position in range(length):
        code = mirna[length - 1 - position]
        complement[position] = 3 - code if code < 4 else 4


@njit
def fold_pairs(mirnas, targets, order, with_perfect, tables, work, energies, partners):
    """Folds rows in the given order, equal miRNAs side by side; writes energies (n, N_ENERGIES) and, unless empty, partners (n, M)."""
    complement = np.empty(mirnas.shape[1], dtype=np.uint8)
    perfect = perfect_seed_part = np.int64(NOT_PAIRED)
    length, folded_length = 0, -1
    for place in range(order.size):
        row = order[place]
        target = targets[row]
        folds = 1
        if place == 0 or not _same_letters(mirnas[row], mirnas[order[place - 1]]):
            length = _length_without_padding(mirnas[row])
            begin_mirna(mirnas[row], length, work)
            if with_perfect:
                _set_complement(mirnas[row], length, complement)
                target, folds = complement[:length], 2
        # one call of `fold` for both kinds of target: it is large, and compiled once for each call
        energy = i_end = j_end = np.int64(0)
        for remaining in range(folds - 1, -1, -1):
            if target.size != folded_length:
                folded_length = target.size
                clear_margin(folded_length, work)
            energy, i_end, j_end = fold(length, target, tables, work)
            if remaining:
                perfect, perfect_seed_part = energy, prefix_energy(min(length, SEED_PART_LENGTH), work)
                target = targets[row]
        energies[row, ENERGY] = energy
        energies[row, SEED_PART] = prefix_energy(min(length, SEED_PART_LENGTH), work)
        energies[row, PERFECT] = perfect
        energies[row, PERFECT_SEED_PART] = perfect_seed_part
        if partners.size:
            partners[row] = -1
            if energy < NOT_PAIRED:
                trace(i_end, j_end, target, tables, work, partners[row])


def _checked(codes, name: str, max_length: int) -> np.ndarray:
    """The codes as a contiguous array of at most max_length columns; what is cut off is padding."""
    codes = np.ascontiguousarray(codes)
    if codes.ndim != 2 or codes.dtype != np.uint8:
        raise InputError(f"{name}: found {codes.dtype} of shape {codes.shape}; expected uint8 codes of shape (n, length)")
    if codes.shape[1] > max_length:
        if (codes[:, max_length:] != 4).any():
            raise InputError(f"{name}: more than {max_length} bases, the most that duplex energies are made for. Cut the sequences.")
        codes = np.ascontiguousarray(codes[:, :max_length])
    if codes.size and codes.max() > 4:
        raise InputError(f"{name}: found code {codes.max()}; expected A 0, C 1, G 2, U 3 or N 4")
    return codes


def fold_checked(mirna_codes, target_codes, with_perfect: bool, with_partners: bool) -> tuple[np.ndarray, np.ndarray]:
    """Checks both arrays and folds every row; (energies int16 (n, N_ENERGIES) in 0.01 kcal/mol, partners int16 (n, M) or (0, 0))."""
    mirnas = _checked(mirna_codes, "miRNAs", MAX_MIRNA_LENGTH)
    targets = _checked(target_codes, "target windows", MAX_TARGET_LENGTH)
    n = mirnas.shape[0]
    if targets.shape[0] != n:
        raise InputError(f"{counted(n, 'miRNA')} but {targets.shape[0]} target windows; expected one window for each miRNA")
    hashes = np.empty(n, dtype=np.uint64)
    _row_hashes(mirnas, hashes)
    order = np.argsort(hashes, kind="stable")
    energies = np.empty((n, N_ENERGIES), dtype=np.int16)
    partners = np.empty(np.shape(mirna_codes) if with_partners else (0, 0), dtype=np.int16)
    work = make_workspace(max(mirnas.shape[1], targets.shape[1]))
    fold_pairs(mirnas, targets, order, with_perfect, _table_addresses(), work.addresses(), energies, partners)
    return energies, partners


def _kcal(hundredths: np.ndarray) -> np.ndarray:
    return np.where(hundredths < NOT_PAIRED, hundredths.astype(np.float32) / np.float32(100), np.float32(0))


def duplex_energies(mirna_codes, target_codes) -> np.ndarray:
    """Minimum free energy of each miRNA with its window, in kcal/mol at 37 C: that of ViennaRNA 2.7's duplexfold, to 0.01.

    mirna_codes (n, M) uint8 5'->3', padded with N on the right, at most 32 bases without padding; target_codes (n, L) uint8 5'->3'.
    Returns (n,) float32. Only pairs between the two strands count. N pairs with nothing and is an unknown base as a neighbour, but N at
    the end of a miRNA is padding and no base at all. A duplex may cost more than it gains: the energy is then positive. Where no pair
    is possible it is 0, the energy of the two strands apart (duplexfold reports 100000).
    Raises InputError for other shapes, types or codes.
    Parameters: Turner 2004 (Mathews 2004, Turner & Mathews 2010), loops of up to 30 bases, as Lorenz 2011.
    """
    return _kcal(fold_checked(mirna_codes, target_codes, False, False)[0][:, ENERGY])


def perfect_energies(mirna_codes) -> np.ndarray:
    """Energy of each miRNA with its perfect complement, in kcal/mol; (n, M) uint8 codes -> (n,) float32.

    The scale on which energies of different miRNAs compare: one computation for each distinct miRNA.
    """
    mirnas = _checked(mirna_codes, "miRNAs", MAX_MIRNA_LENGTH)
    distinct, inverse = np.unique(mirnas, axis=0, return_inverse=True)
    nothing = np.full((distinct.shape[0], 1), 4, dtype=np.uint8)
    return _kcal(fold_checked(distinct, nothing, True, False)[0][:, PERFECT])[inverse.reshape(-1)]


def align_duplexes(mirna_codes, target_codes) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of one duplex of minimum energy for each miRNA and window.

    Arguments as for `duplex_energies`. Returns (energies (n,) float32 in kcal/mol, partners (n, M) int16): the 0-based window position
    that each miRNA position pairs with, or -1. Of several optima, the one that duplexfold reports.
    """
    energies, partners = fold_checked(mirna_codes, target_codes, False, True)
    return _kcal(energies[:, ENERGY]), partners
