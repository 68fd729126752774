"""What counts as a seed match: every rule as data, with its paper. miRNA positions are 1-based as in the papers: m1, m2, ..."""

from collections.abc import Iterable

from mirscan.errors import InputError
from mirscan.seeds.rule import SeedRule, positions
from mirscan.seeds.rule_files import read_rule_file

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
            own.update({rule.name: rule for rule in read_rule_file(word, taken={*BUILT_IN, *GROUPS, *own})})
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
