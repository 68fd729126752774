"""miRNAs as one padded code array, with a filter by species."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mirscan.errors import InputError
from mirscan.notices import Notices, tallied
from mirscan.sequence.alphabet import N, decode, encode
from mirscan.sequence.fasta import check_name, read_fasta
from mirscan.sequence.text import PLAIN_DASHES, first_word

# miRBase 22 mature sequences have 15 to 34 nt; below 8 there is no seed, above 40 it is a precursor.
MIN_LENGTH, MAX_LENGTH = 8, 40
# The species of a miRNA as miRBase and MirGeneDB name it; some viruses have digits and long names: hsv1-miR-H1, ptvpv2a-miR-P1-5p.
MIRNA_NAME = re.compile(r"([A-Za-z]\w{2,7})-(?:mir|let|lin|lsy|iab|bantam)", re.IGNORECASE)
# Small letters among capital bases, as in dT, mU, rA, UsG, are signs of suppliers: deoxy, 2'-O-methyl, ribo, phosphorothioate.
_NOTATION = re.compile(r"[ACGUT]?[bdhkmrsvwxy][ACGUT]?|(?:DT){1,2}$")
_OVERHANG = re.compile(r"(?:dt){1,2}$")


@dataclass(frozen=True)
class MirnaSet:
    """Named miRNAs: `codes` (n, longest) uint8, 5'->3', padded with N; `lengths` (n,) int64 in nt."""

    names: tuple[str, ...]
    codes: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def sequence(self, index: int) -> str:
        """Letters of one miRNA, 5'->3', with T for U."""
        return decode(self.codes[index, : self.lengths[index]])

    def take(self, indices: Sequence[int] | np.ndarray) -> "MirnaSet":
        """The miRNAs at these positions, in this order."""
        return MirnaSet(tuple(self.names[i] for i in indices), self.codes[indices], self.lengths[indices])


def read_mirnas(path: str | os.PathLike, species: str | None = None, notices: Notices | None = None) -> MirnaSet:
    """miRNAs of a FASTA file (miRBase, MirGeneDB or your own), in file order.

    `species` keeps names that begin with this prefix and a dash (`hsa` keeps hsa-let-7a-5p and Hsa-Let-7-P1b_5p).
    Raises InputError for a broken file, a duplicate name, a length outside 8-40 nt, or a species that is not there.

    >>> ms.read_mirnas("examples/mirnas.fa", species="hsa").names[:2]
    ('hsa-let-7a-5p', 'hsa-miR-1-3p')
    """
    with tallied(notices) as tally:
        mirnas = _read_all(os.fspath(path), tally)
        if species is None:
            return mirnas
        return _select_species(mirnas, species.translate(PLAIN_DASHES).rstrip("-"), os.fspath(path), tally)


def _read_all(path: str, notices: Notices) -> MirnaSet:
    names, sequences, lines = [], [], {}
    for record in read_fasta(path, notices):
        where = f"{path}, line {record.line}"
        name = check_name(_plain_dashes(first_word(record.header), notices), where)
        if name in lines:
            line, codes = lines[name]
            if codes == record.codes:
                notices.add("miRNAs with a name and sequence that stood before were left out", name)
                continue
            raise InputError(
                f"{where}: name {name!r} stands in line {line} already with another sequence; "
                "expected distinct names, and a name ends at the first blank"
            )
        lines[name] = record.line, record.codes
        _refuse_notation(record.letters, f"{where}: miRNA {name!r}")
        _check_length(len(record.codes), f"{where}: miRNA {name!r}")
        _note_unknown_letters(name, record.letters, notices)
        names.append(name)
        sequences.append(np.frombuffer(record.codes, dtype=np.uint8))
    return _pad(names, sequences)


def _plain_dashes(name: str, notices: Notices) -> str:
    plain = name.translate(PLAIN_DASHES)
    if plain != name:
        notices.add("miRNAs were written with typographic dashes, now '-'", plain)
    return plain


def _refuse_notation(letters: str, where: str) -> None:
    if found := (_OVERHANG if letters.islower() else _NOTATION).search(letters):
        raise InputError(
            f"{where}: {found[0]!r} is a supplier's sign of a modified base, not a base; write the bases alone, such as U for mU, "
            "and leave out overhangs such as dTdT"
        )


def _note_unknown_letters(name: str, letters: str, notices: Notices) -> None:
    for letter in sorted(set(letters.upper()) - set("ACGUT")):
        read = "" if letter == "N" else ", read as N"
        notices.add(f"miRNAs hold the letter {letter}{read}, which pairs with nothing", name)
    if set(letters[1:8].upper()) - set("ACGUT"):
        notices.add("miRNAs have such a letter in their seed (nt 2-8), so rules that pair it find no site", name)


def mirnas_from_sequences(names: Iterable[str], sequences: Iterable[str]) -> MirnaSet:
    """A MirnaSet of letters at hand; the same lengths are accepted as from a file.

    >>> mirnas = ms.mirnas_from_sequences(["let-7a", "mir-1"], ["UGAGGUAGUAGGUUGUAUAGUU", "UGGAAUGUAAAGAAGUAUGUAU"])
    >>> len(mirnas), mirnas.sequence(1)
    (2, 'TGGAATGTAAAGAAGTATGTAT')
    """
    names, sequences = list(names), [encode(sequence) for sequence in sequences]
    for name, codes in zip(names, sequences, strict=True):
        _check_length(len(codes), f"miRNA {name!r}")
    return _pad(names, sequences)


def _check_length(length: int, where: str) -> None:
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        # Precursors have some 80 nt, as the shortest 3'UTRs do.
        is_it = "Is it a seed, or cut?" if length < MIN_LENGTH else "Is it a precursor, or are --mirnas and --utrs exchanged?"
        raise InputError(f"{where} has {length} nt; expected {MIN_LENGTH} to {MAX_LENGTH}. {is_it} Give mature miRNAs.")


def _pad(names: list[str], sequences: list[np.ndarray]) -> MirnaSet:
    lengths = np.array([len(codes) for codes in sequences], dtype=np.int64)
    codes = np.full((len(sequences), int(lengths.max(initial=MIN_LENGTH))), N, dtype=np.uint8)
    for row, sequence in zip(codes, sequences, strict=True):
        row[: len(sequence)] = sequence
    return MirnaSet(tuple(names), codes, lengths)


def _select_species(mirnas: MirnaSet, species: str, path: str, notices: Notices) -> MirnaSet:
    prefixes = [name.split("-", 1)[0].lower() for name in mirnas.names]
    keep = [index for index, prefix in enumerate(prefixes) if prefix == species.lower()]
    if not keep:
        known = sorted(set(prefixes))
        listed = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
        raise InputError(f"{path}: no miRNA of species {species!r}; names there begin with {listed}")
    for name, prefix in zip(mirnas.names, prefixes, strict=True):
        if prefix != species.lower():
            what = "are of other species" if MIRNA_NAME.match(name) else "have no species in their name"
            notices.add(f"miRNAs {what} and were left out", name)
    return mirnas.take(keep)
