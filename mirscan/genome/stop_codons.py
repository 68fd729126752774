"""Coding regions that a file ends before their stop codon, without a line for it: the letters of the genome tell."""

from dataclasses import replace

import numpy as np

from mirscan.genome.annotation import Annotation
from mirscan.genome.projection import Projection, project_blocks
from mirscan.genome.reference import Genome
from mirscan.notices import Notices
from mirscan.sequence.alphabet import complement, encode

CODON = 3
_STOPS = np.stack([encode(codon) for codon in ("UAA", "UAG", "UGA")])
# So many transcripts, of the shortest contigs, show how a file ends its coding regions: the others need not be read for it.
_ENOUGH = 1000
_FAR = np.iinfo(np.int64).max


def take_in_stop_codons(annotation: Annotation, genome: Genome, notices: Notices) -> Annotation:
    """The annotation with stop codons inside its coding regions, where most of these end before one: not with it, but followed by it.

    Single regions that are followed by a stop codon by chance stay as they are, and so do untranslated regions that the file itself names.
    """
    ends = _coding_ends(annotation)
    has_room = (ends >= CODON) & (ends + CODON <= annotation.exons.lengths)
    rows = np.flatnonzero(annotation.has_cds & (annotation.utr3.counts == 0) & has_room)
    projection = _project(annotation)
    contig = projection.contig[rows]
    n_seen, before = 0, np.empty(0, np.int64)
    for number in sorted(set(contig.tolist()), key=lambda number: genome.lengths[projection.contigs[number]]):
        here = rows[contig == number]
        n_seen, before = n_seen + len(here), np.append(before, here[_stop_before(projection, genome, here, ends[here])])
        if n_seen >= _ENOUGH and 2 * len(before) <= n_seen:
            break
    if 2 * len(before) <= n_seen:
        return annotation
    before.sort()
    what = "coding regions end before their stop codon, as the letters of the genome show, and were lengthened by that"
    notices.add(what, annotation.names[int(before[0])].as_py(), len(before))
    return _lengthen(annotation, before, projection.project(before, ends[before], ends[before] + CODON))


def _coding_ends(annotation: Annotation) -> np.ndarray:
    """Bases of each transcript (n,) up to the end of its coding region."""
    is_forward = annotation.strand > 0
    return annotation.exons.clip(np.where(is_forward, 0, annotation.cds_start), np.where(is_forward, annotation.cds_end, _FAR)).lengths


def _project(annotation: Annotation) -> Projection:
    contigs = annotation.contigs.dictionary_encode()
    return project_blocks(contigs.dictionary.to_pylist(), contigs.indices.to_numpy(), annotation.strand < 0, annotation.exons)


def _stop_before(projection: Projection, genome: Genome, rows: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Whether these transcripts (n,) of one contig have a stop codon behind `ends`, and none at it."""
    codes = genome.codes(projection.contigs[projection.contig[rows[0]]])
    at = (ends[:, None] + np.arange(-CODON, CODON)).ravel()
    bases = codes[projection.project(np.repeat(rows, 2 * CODON), at, at + 1).start].reshape(len(rows), -1)
    bases = np.where(projection.is_reverse[rows, None], complement(bases), bases)
    last, following = ((side[:, None] == _STOPS).all(axis=2).any(axis=1) for side in (bases[:, :CODON], bases[:, CODON:]))
    return following & ~last


def _lengthen(annotation: Annotation, rows: np.ndarray, stops) -> Annotation:
    start, end = annotation.cds_start.copy(), annotation.cds_end.copy()
    is_forward = annotation.strand[rows] > 0
    end[rows[is_forward]], start[rows[~is_forward]] = stops.end[is_forward], stops.start[~is_forward]
    return replace(annotation, cds_start=start, cds_end=end)
