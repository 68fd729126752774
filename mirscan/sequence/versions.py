"""Names with and without versions: NM_000546.6 is NM_000546, but F00.1 and F00.3 of a worm, AT1G01010.1 and .2 are others."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

# _1 behind a version: lifted by GENCODE to another assembly, or UCSC's number of an exon, which it also writes as _utr3_0_0_chr1_13221_f.
_VERSION = re.compile(
    r"(?P<base>ENS[A-Z]*T\d+|[NX][MR]_\d+)(?:\.(?P<version>\d+))?_(?:\d+|(?:utr[35]|cds|exon|intron)_\d+_\w+)\Z"
    r"|(?P<name>.+)\.(?P<number>\d+)\Z"
)
_VERSIONED = re.compile(r"ENS[A-Z]*T\d{6,}\Z|[NX][MR]_\d+\Z")


def split_version(name: str) -> tuple[str, int]:
    """Name and version of a transcript, -1 where it has none.

    >>> split_version("ENST00000456328.2_1"), split_version("NM_000546"), split_version("NM_000546_utr3_2_0_chr17_7668422_r")
    (('ENST00000456328', 2), ('NM_000546', -1), ('NM_000546', -1))
    """
    # Most names have neither, and a table may have a million.
    found = _VERSION.match(name) if "." in name or "_" in name else None
    if found is None:
        return name, -1
    version = found["version"] or found["number"]
    return found["base"] or found["name"], -1 if version is None else int(version)


def has_versions(base: str) -> bool:
    """Whether .1 and .2 behind this name mean the same transcript; elsewhere they may be isoforms or genes of a contig.

    >>> has_versions("NM_000546"), has_versions("AT1G01010")
    (True, False)
    """
    return bool(_VERSIONED.match(base))


def finder_of(names: Iterable[str]) -> Callable[[str], int | None]:
    """Function from a name to its number among `names`; None where it is not there, or where several versions of it are.

    A version on one side alone does not matter, another version does not where `has_versions`.

    >>> find = finder_of(["NM_000546.6", "AT1G01010.1", "AT1G01010.2"])
    >>> find("NM_000546.5"), find("AT1G01010.2"), find("AT1G01010.3"), find("AT1G01010")
    (0, 2, None, None)
    """
    exact = {name: number for number, name in enumerate(names)}
    by_base = defaultdict(list)
    for name, number in exact.items():
        by_base[split_version(name)[0]].append(number)

    def find(name: str) -> int | None:
        if name in exact:
            return exact[name]
        base, version = split_version(name)
        if version >= 0 and (base in exact or not has_versions(base)):
            return exact.get(base)
        found = by_base.get(base, [])
        return found[0] if len(found) == 1 else None

    return find
