"""The names a user types -> genes and miRNAs of the run."""

import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from mirscan.errors import InputError
from mirscan.query.finished_run import GENES_VIEW, SITES_VIEW, FinishedRun
from mirscan.sequence.text import PLAIN_DASHES

# What makes a word a pattern.
_WILD = set("*?[")
_SHOWN = 5


def find_mirnas(run: FinishedRun, words: Iterable[str]) -> list[str]:
    """miRNAs of the run for words as `match_names` takes them; a name may also leave the species out, as miR-34a-5p.

    Raises InputError, with near names, for a word that fits no miRNA with a site.
    """
    known = run.values(f"SELECT DISTINCT mirna FROM {GENES_VIEW} ORDER BY 1")
    found: dict[str, None] = {}
    # A run has no other dashes in the names of miRNAs.
    for word in (word.translate(PLAIN_DASHES) for word in _expand_lists(words, "--mirna")):
        matched = match_names(word, known) or [name for name in known if name.partition("-")[2].lower() == word.lower()]
        if not matched:
            raise InputError(f"--mirna {word}: no miRNA of that name has a site in this run{_near(word, known)}")
        found |= dict.fromkeys(matched)
    return list(found)


def find_genes(run: FinishedRun, words: Iterable[str]) -> list[str]:
    """Gene ids of the run for words that name symbols, gene ids or transcripts, in this order of preference.

    Raises InputError, with near symbols, for a word that fits none with a site.
    """
    names_of = cache(run.values)
    found: dict[str, None] = {}
    for word in _expand_lists(words, "--gene"):
        for column, view in (("symbol", GENES_VIEW), ("gene", GENES_VIEW), ("transcript", SITES_VIEW)):
            if matched := match_names(word, names_of(f"SELECT DISTINCT {column} FROM {view} ORDER BY 1")):
                found |= dict.fromkeys(
                    run.values(f"SELECT DISTINCT gene FROM {view} WHERE {is_one_of(column, matched)} ORDER BY 1", matched)
                )
                break
        else:
            symbols = names_of(f"SELECT DISTINCT symbol FROM {GENES_VIEW} ORDER BY 1")
            raise InputError(f"--gene {word}: no symbol, gene or transcript of that name has a site in this run{_near(word, symbols)}")
    return list(found)


def is_one_of(column: str, values: Sequence) -> str:
    """SQL condition with a placeholder a value.

    >>> is_one_of("mirna", ["a", "b"])
    'mirna IN (?, ?)'
    """
    return f"{column} IN ({', '.join('?' * len(values))})"


def match_names(word: str, known: Sequence[str]) -> list[str]:
    """Names equal to the word, else equal but for case, else, where it holds * or ?, that it is a pattern of.

    >>> match_names("sirt*", ["SIRT1", "SIRT2", "TP53"]), match_names("tp53", ["TP53"]), match_names("TP", ["TP53"])
    (['SIRT1', 'SIRT2'], ['TP53'], [])
    """
    if word in known:
        return [word]
    lower = word.lower()
    equal = [name for name in known if name.lower() == lower]
    if equal or not _WILD & set(word):
        return equal
    return [name for name in known if fnmatchcase(name.lower(), lower)]


def _expand_lists(words: Iterable[str], flag: str) -> list[str]:
    """The words, with @FILE replaced by the names in it, one a line."""
    names = []
    for word in words:
        if not word.startswith("@"):
            names.append(word)
            continue
        try:
            lines = Path(word[1:]).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            raise InputError(f"{flag} {word}: {error}; expected a text file with a name a line behind the @") from None
        names += [line.strip() for line in lines if line.strip()]
    if not names and words:
        raise InputError(f"{flag}: the list holds no name; expected one a line")
    return names


def _near(word: str, known: Sequence[str]) -> str:
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), by_lower, _SHOWN, 0.6)
    return f"; near it: {', '.join(by_lower[name] for name in near)}" if near else "; patterns such as let-7* work, too"
