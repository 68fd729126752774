"""The text picture of one duplex."""

import numpy as np

from mirscan.duplex.energy import align_duplexes, perfect_energies
from mirscan.notices import counted
from mirscan.sequence.alphabet import N, encode

_LETTERS = np.array(list("ACGUN"))


def _columns(mirna: str, target: str, pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Position in both strands for each column of the picture, left to right, -1 for a gap.

    The miRNA runs right to left. Its unpaired ends stand opposite the target's flanks, as far as the window reaches.
    """
    mirna_row, target_row = [], []
    first_i, first_j = pairs[0]
    for offset in range(len(mirna) - 1 - first_i, 0, -1):
        mirna_row.append(first_i + offset)
        target_row.append(max(first_j - offset, -1))
    for (i, j), (next_i, next_j) in zip(pairs, [*pairs[1:], (-1, len(target))], strict=True):
        mirna_row.append(i)
        target_row.append(j)
        loop_mirna, loop_target = list(range(i - 1, next_i, -1)), list(range(j + 1, next_j))
        if next_i < 0:
            loop_target = loop_target[: len(loop_mirna)]
        width = max(len(loop_mirna), len(loop_target))
        mirna_row += loop_mirna + [-1] * (width - len(loop_mirna))
        target_row += loop_target + [-1] * (width - len(loop_target))
    return mirna_row, target_row


def _row(letters: str, positions: list[int]) -> str:
    """Letters of a row: `-` for a gap inside the duplex, blank where the window has ended."""
    row = "".join(letters[position] if position >= 0 else "-" for position in positions)
    left, right = len(row) - len(row.lstrip("-")), len(row) - len(row.rstrip("-"))
    return " " * left + row.strip("-") + " " * right


def _symbols(mirna: str, target: str, mirna_row: list[int], target_row: list[int], partners) -> str:
    symbols = ""
    for i, j in zip(mirna_row, target_row, strict=True):
        paired = i >= 0 and j >= 0 and partners[i] == j
        symbols += " " if not paired else ":" if {mirna[i], target[j]} == {"G", "U"} else "|"
    return symbols


def draw_duplex(mirna: str, target: str, first: int = 1, unpaired: int = 0) -> str:
    """Text picture of the minimum free energy duplex of one miRNA and one target window, both given 5'->3'.

    The miRNA runs 3'->5' above the target; `|` marks Watson-Crick and `:` G:U pairs, `-` a gap. Numbers are 1-based positions of the
    outermost bases shown; the target's count from `first`, its first base's own number, as on a transcript. The
    first `unpaired` bases of the target are shown, but may not pair. Raises InputError for letters outside IUPAC and for sequences that
    `duplex_energies` does not take.

    >>> print(draw_duplex("UGAGGUAGUAGGUUGUAUAGUU", "CAACUAUACAACGUACUACCUCAUU"))
    miRNA   22 3' UUGAUAUGUUGGAUGAUGGAGU 5' 1
                  ||||||||||| ||||||||||
    target   2 5' AACUAUACAACGUACUACCUCA 3' 23
    energy -32.50 kcal/mol, perfect duplex -35.60 kcal/mol, 21 pairs, 0 of them G:U
    """
    mirna_codes, target_codes = encode(mirna), encode(target)
    mirna, target = "".join(_LETTERS[mirna_codes]), "".join(_LETTERS[target_codes])
    free = np.where(np.arange(len(target_codes)) < unpaired, np.uint8(N), target_codes)
    energies, partners = align_duplexes(mirna_codes[None], free[None])
    pairs = [(i, int(j)) for i, j in enumerate(partners[0]) if j >= 0][::-1]
    if not pairs:
        return f"miRNA   3' {mirna[::-1]} 5'\ntarget  5' {target} 3'\nno base pair is possible"
    mirna_row, target_row = _columns(mirna, target, pairs)
    symbols = _symbols(mirna, target, mirna_row, target_row, partners[0])
    shown = [first + j for j in target_row if j >= 0]
    width = len(str(max(len(mirna), shown[0])))
    lines = (
        f"miRNA   {len(mirna):>{width}} 3' {_row(mirna, mirna_row)} 5' 1",
        f"        {'':>{width}}    {symbols}".rstrip(),
        f"target  {shown[0]:>{width}} 5' {_row(target, target_row)} 3' {shown[-1]}",
        f"energy {energies[0]:.2f} kcal/mol, perfect duplex {perfect_energies(mirna_codes[None])[0]:.2f} kcal/mol, "
        f"{counted(len(pairs), 'pair')}, {symbols.count(':')} of them G:U",
    )
    return "\n".join(lines)
