"""One seed rule as a value that checks itself. miRNA positions are 1-based as in the papers: m1, m2, ..."""

from dataclasses import dataclass

from mirscan.errors import InputError
from mirscan.sequence.mirnas import MAX_LENGTH

# Longer words make no direct index: 4**11 words fill 17 MB.
MAX_SPAN = 11


@dataclass(frozen=True)
class SeedRule:
    """One kind of site. Pairs are Watson-Crick unless said otherwise, and every base under a site must be known (no N).

    `paired`: alternative sets of miRNA positions that pair, the preferred first; target bases opposite positions left out between
    the first and the last are free. `opposite_a`: the target has an A opposite m1, whatever m1 is. `wobbles`, `mismatches`: (least,
    most) number of paired positions that hold a G:U, or something other than a Watson-Crick pair, instead; a G:U may be counted as
    either. `bulges`: (least, most), at most 1: one unpaired base in between, on the target or on the miRNA. `edits`: instead of all
    that, the target word is as long as the paired region and at most this many edit operations (substitution, insertion, deletion)
    away from its complement.
    """

    name: str
    paired: tuple[tuple[int, ...], ...]
    opposite_a: bool = False
    wobbles: tuple[int, int] = (0, 0)
    mismatches: tuple[int, int] = (0, 0)
    bulges: tuple[int, int] = (0, 0)
    edits: int = 0
    description: str = ""
    paper: str = ""

    @property
    def min_mirna_length(self) -> int:
        """Shortest miRNA, in nt, that can satisfy the rule."""
        return min(max(positions) for positions in self.paired)

    def __post_init__(self):
        for positions in self.paired:
            self._check_positions(positions)
        self._check_counts()

    def _check_positions(self, positions: tuple[int, ...]) -> None:
        where = f"seed rule {self.name!r}"
        if not positions or list(positions) != sorted(set(positions)) or positions[0] < 1:
            raise InputError(f"{where}: paired positions {list(positions)}; expected distinct miRNA positions from 1 upwards, in order")
        if positions[-1] > MAX_LENGTH:
            raise InputError(f"{where}: position {positions[-1]}; expected at most {MAX_LENGTH}, the longest miRNA")
        if self.opposite_a and positions[0] == 1:
            raise InputError(f"{where}: position 1 is paired and opposite_a is set; expected one of the two")
        first = 1 if self.opposite_a else positions[0]
        if positions[-1] - first + 1 + self.bulges[1] > MAX_SPAN:
            raise InputError(f"{where}: positions {first}-{positions[-1]} and bulges span more than {MAX_SPAN} nt; expected no more")
        contiguous = positions[-1] - positions[0] + 1 == len(positions)
        if (self.bulges[1] or self.edits) and not contiguous:
            raise InputError(f"{where}: paired positions {list(positions)} have gaps; bulges and edits need contiguous positions")
        if self.bulges[1] and len(positions) < 3:
            raise InputError(f"{where}: {len(positions)} paired positions; a bulge needs at least 3")

    def _check_counts(self) -> None:
        where, most_pairs = f"seed rule {self.name!r}", min(map(len, self.paired))
        for key, (least, most) in (("wobbles", self.wobbles), ("mismatches", self.mismatches)):
            if not 0 <= least <= most <= most_pairs:
                raise InputError(f"{where}: {key} {least} to {most}; expected numbers from 0 to the {most_pairs} paired positions")
        if self.bulges not in ((0, 0), (0, 1), (1, 1)):
            raise InputError(f"{where}: bulges {self.bulges[0]} to {self.bulges[1]}; expected 0 or 1")
        if self.edits and (self.opposite_a or self.wobbles[1] or self.mismatches[1] or self.bulges[1] or len(self.paired) > 1):
            raise InputError(f"{where}: edits stand beside opposite_a, wobbles, mismatches, bulges or alternatives; expected edits alone")
        if not 0 <= self.edits < most_pairs:
            raise InputError(f"{where}: edits {self.edits}; expected 0 to {most_pairs - 1}")


def positions(first: int, last: int) -> tuple[int, ...]:
    """miRNA positions first..last, both included."""
    return tuple(range(first, last + 1))
