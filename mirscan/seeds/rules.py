"""What counts as a seed match: every rule as data, with its paper. miRNA positions are 1-based as in the papers: m1, m2, ..."""

from collections.abc import Iterable
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


_LEWIS = "Lewis, Burge & Bartel 2005, Cell 120:15"
_KIM = "Kim et al. 2016, Nat Genet 48:1517"
_KERTESZ = "Brennecke et al. 2005, PLoS Biol 3:e85; Kertesz et al. 2007, Nat Genet 39:1278"
_PLA = "Pla et al. 2018 (miRAW), PLoS Comput Biol 14:e1006185; as edit operations in Lee et al. 2016 (deepTarget), ACM BCB:434"
_FRIEDMAN = "Friedman et al. 2009, Genome Res 19:92"
_CHI = "Chi et al. 2012, Nat Struct Mol Biol 19:321"
_SHIN = "Shin et al. 2010, Mol Cell 38:789"


def _rule(name: str, first: int, last: int, description: str, paper: str, **details) -> SeedRule:
    return SeedRule(name, (positions(first, last),), description=description, paper=paper, **details)


# Order is strength: a place that satisfies several rules is reported as the first of them. Contiguous types follow their mean
# repression (Grimson 2007, Kim 2016); imperfect seeds come behind every perfect one, loose searches last.
_RULES = (
    _rule("8mer", 2, 8, "m2-m8 paired, A opposite m1", _LEWIS, opposite_a=True),
    _rule("7mer-m8", 2, 8, "m2-m8 paired", _LEWIS),
    _rule("7mer-A1", 2, 7, "m2-m7 paired, A opposite m1", _LEWIS, opposite_a=True),
    _rule("6mer", 2, 7, "m2-m7 paired", "Bartel 2009, Cell 136:215"),
    _rule("6mer-A1", 2, 6, "m2-m6 paired, A opposite m1", _KIM, opposite_a=True),
    _rule("offset-7mer", 3, 9, "m3-m9 paired", _KIM),
    _rule("offset-6mer", 3, 8, "m3-m8 paired", _FRIEDMAN),
    _rule("8mer-GU", 2, 8, "8mer with exactly one G:U in m2-m8", _KERTESZ, opposite_a=True, wobbles=(1, 1)),
    _rule("7mer-GU", 2, 8, "m2-m8 paired with exactly one G:U", _KERTESZ, wobbles=(1, 1)),
    _rule("seed-bulge", 2, 8, "m2-m8 paired around one bulged base of either strand", _CHI, bulges=(1, 1)),
    _rule("seed-mismatch", 2, 8, "m2-m8 with exactly one mismatch or G:U", _KERTESZ, mismatches=(1, 1)),
    SeedRule("centered", (positions(4, 14), positions(5, 15)), description="11 contiguous pairs in m4-m15", paper=_SHIN),
    _rule("offset-9-mer-m7", 2, 10, "9 nt opposite m2-m10, at most 2 edits from its complement", _PLA, edits=2),
    _rule("10-mer-m7", 1, 10, "10 nt opposite m1-m10, at most 3 edits from its complement", _PLA, edits=3),
    _rule("10-mer-m6", 1, 10, "10 nt opposite m1-m10, at most 4 edits from its complement", _PLA, edits=4),
)
BUILT_IN = {rule.name: rule for rule in _RULES}
_NAMES = tuple(BUILT_IN)
GROUPS = {"canonical": _NAMES[:4], "strict": _NAMES[:7], "extended": _NAMES[:9], "relaxed": _NAMES[:12]}
_CHOICES = f"{', '.join(BUILT_IN)}, a group ({', '.join(GROUPS)}) or a .toml file"


def read_rules(seeds: str | Iterable[str]) -> tuple[SeedRule, ...]:
    """Rules for names, groups and TOML files (anything that ends in .toml), strongest first and each once.

    A text may hold several, separated by commas. Built-in rules keep the order of `BUILT_IN`; a file's own rules come behind them
    in the order of the file.

    Raises InputError for an unknown name, and as `read_rule_file` does.

    >>> [rule.name for rule in read_rules("6mer,8mer")]
    ['8mer', '6mer']
    """
    words = [word.strip() for text in ([seeds] if isinstance(seeds, str) else seeds) for word in str(text).split(",")]
    names, own = set(), {}
    for word in filter(None, words):
        if word.endswith(".toml"):
            from mirscan.seeds.rule_files import read_rule_file

            own.update({rule.name: rule for rule in read_rule_file(word, taken=own)})
        elif word in BUILT_IN:
            names.add(word)
        elif word in GROUPS:
            names.update(GROUPS[word])
        else:
            raise InputError(f"seed rule {word!r} is unknown; expected {_CHOICES}")
    rules = (*(rule for rule in _RULES if rule.name in names), *own.values())
    if not rules:
        raise InputError(f"no seed rule given; expected {_CHOICES}")
    return rules
