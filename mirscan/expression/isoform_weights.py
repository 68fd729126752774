"""How much of a gene's mRNA each isoform is: a table of transcripts with TPM or fractions -> shares."""

import math
import os

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.expression.delimited import Delimited, read_delimited
from mirscan.expression.ids import kind_of_ids
from mirscan.notices import Notices, tallied
from mirscan.sequence.gene_map import is_transcript_heading
from mirscan.sequence.headers import parse_header
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.sequence.versions import finder_of

# Headings of weights in lower case, the first that is there counts: salmon, kallisto, RSEM, StringTie and people.
_WEIGHTS = ("tpm", "fraction", "isoform_fraction", "isopct", "share", "weight", "fpkm", "rpkm", "abundance", "expression")


def read_isoform_shares(path: str | os.PathLike, transcriptome: Transcriptome, notices: Notices | None = None) -> np.ndarray:
    """Share (n,) float64 of each transcript in the mRNAs of its gene: its weight over the sum of the gene's.

    A table with headings (transcript, and TPM, fraction or the like) or of two columns without. Versions on one side alone do not matter.
    An isoform that the table lacks has a share of 0; all of a gene have NaN where it has none of them, or 0 for all. Each is counted.
    Raises InputError for a weight that is no number from 0 up, a transcript with two, and a table that names no transcript.
    """
    table = read_delimited(path, Notices() if notices is None else notices, "transcript, and TPM or fraction")
    bases = _without_region(transcriptome)
    distinct = list(dict.fromkeys(bases))
    with tallied(notices) as tally:
        weight_of = dict(zip(distinct, _match(table, distinct, tally), strict=True))
        weights = np.array([weight_of[base] for base in bases])
        return _normalise(weights, transcriptome, tally)


def _without_region(transcriptome: Transcriptome) -> list[str]:
    """Names of the transcripts that regions were cut from: several regions of one are called NAME:REGION."""
    regions = transcriptome.regions.to_pylist()
    return [name.removesuffix(f":{region}") for name, region in zip(transcriptome.names.to_pylist(), regions, strict=True)]


def _match(table: Delimited, names: list[str], notices: Notices) -> np.ndarray:
    """Weight (n,) of each of the names, NaN for those that the table lacks."""
    transcripts, weights, lines = _columns(table)
    find, found, first = finder_of(names), np.full(len(names), np.nan), {}
    strange = []
    for name, text, line in zip(transcripts, weights, lines, strict=True):
        where, weight, number = f"{table.path}, line {line}", _number(text), find(name)
        if not 0 <= weight < math.inf:
            raise InputError(f"{where}: weight {text!r} of {name!r}; expected a number from 0 up, as TPM or a fraction")
        if number is None:
            strange.append(name)
        elif number in first:
            raise InputError(f"{where}: a second weight of {name!r}, as in line {first[number]}; expected one row a transcript")
        else:
            found[number], first[number] = weight, line
    if not first:
        raise InputError(
            f"{table.path}: none of its {len(transcripts):,} transcripts is among the {len(names):,} scanned; its ids are "
            f"{kind_of_ids(transcripts)} such as {transcripts[0]!r}, theirs {kind_of_ids(names)} such as {names[0]!r}"
        )
    notices.add("transcripts of the isoform weights are not among those scanned", "".join(strange[:1]), len(strange))
    return found


def _columns(table: Delimited) -> tuple[list[str], list[str], list[int]]:
    """(transcripts, weights, line of each row); where the first line is no heading it is a row."""
    lower = [name.strip("#").lower() for name in table.headings]
    weight = next((lower.index(name) for name in _WEIGHTS if name in lower), None)
    transcript = next((place for place, name in enumerate(lower) if is_transcript_heading(name) or name == "name"), None)
    rows, lines = table.rows, table.lines
    if weight is None and len(lower) == 2:
        transcript, weight = transcript or 0, 1 - (transcript or 0)
        if not math.isnan(_number(table.headings[weight])):
            rows, lines = [table.headings, *rows], [1, *lines]
    if weight is None or transcript is None:
        raise InputError(
            f"{table.path}: headings {', '.join(table.headings[:8])}; expected a column of transcripts (transcript_id, Name or target_id) "
            "and one of weights (TPM or fraction)"
        )
    # Quantifiers keep whole headers where these have no blanks, as GENCODE's and NCBI's.
    return [parse_header(row[transcript]).transcript for row in rows], [row[weight] for row in rows], lines


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _normalise(weights: np.ndarray, transcriptome: Transcriptome, notices: Notices) -> np.ndarray:
    """Shares (n,) of weights (n,), NaN where the table says nothing of the gene."""
    genes, is_known = transcriptome.gene_codes, ~np.isnan(weights)
    total = np.bincount(genes, np.nan_to_num(weights))[genes]
    has_row = np.bincount(genes, is_known)[genes] > 0
    _note("isoforms have no weight and count as 0", transcriptome.names, has_row & ~is_known, notices)
    _note("genes have no isoform with a weight, so that their strongest one speaks", transcriptome.genes, ~has_row, notices)
    _note("genes have weights of 0 alone, so that their strongest isoform speaks", transcriptome.genes, has_row & (total == 0), notices)
    return np.divide(np.nan_to_num(weights), total, out=np.full(len(weights), np.nan), where=total > 0)


def _note(what: str, names: pa.StringArray, is_meant: np.ndarray, notices: Notices) -> None:
    """Count the distinct names (n,) where `is_meant` (n,)."""
    meant = names.filter(pa.array(is_meant)).unique()
    if len(meant):
        notices.add(what, meant[0].as_py(), len(meant))
