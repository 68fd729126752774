"""What of each transcript is scanned, and which of a gene's isoforms."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.errors import InputError
from mirscan.genome.annotation import Annotation
from mirscan.genome.attributes import LNCRNA
from mirscan.genome.intervals import Intervals
from mirscan.genome.rows import UNTAGGED
from mirscan.notices import Notices

_FAR = np.iinfo(np.int64).max


def cut_region(annotation: Annotation, region: str) -> Intervals:
    """Blocks on the genome of a region of each transcript (n lists), empty where it has none; `region` is a key of `REGIONS`.

    3utr begins behind the stop codon, cds ends with it. Raises InputError for lncrna where the annotation tells no biotype.
    """
    return REGIONS[region](annotation)


def region_ranges(annotation: Annotation, region: str = "3utr"):
    """The blocks of a region as pyranges.PyRanges with columns transcript, gene and symbol, to be set against any other ranges.

    >>> annotation = ms.read_annotation("examples/fly.gtf.gz")
    >>> utrs = ms.region_ranges(annotation, "3utr")
    >>> len(utrs), int(utrs.lengths().sum())
    (80, 35732)
    """
    import pyranges

    blocks = cut_region(annotation, region)
    lists = pa.array(blocks.lists)
    columns = {"Chromosome": annotation.contigs, "transcript": annotation.names, "gene": annotation.genes, "symbol": annotation.symbols}
    taken = {name: column.take(lists).to_pylist() for name, column in columns.items()}
    strand = np.where(annotation.strand[blocks.lists] > 0, "+", "-")
    return pyranges.from_dict({**taken, "Start": blocks.start, "End": blocks.end, "Strand": strand})


def choose_isoforms(annotation: Annotation, lengths: np.ndarray, rule: str, notices: Notices) -> np.ndarray:
    """Indices, ascending, of the transcripts that `rule`, a key of `ISOFORMS`, keeps of those whose region has `lengths` (n,) above 0."""
    present = np.flatnonzero(lengths > 0)
    sentence, choose = ISOFORMS[rule]
    if choose is None:
        return present
    genes = annotation.genes.dictionary_encode().indices.to_numpy()[present]
    kept = present[np.sort(choose(genes, annotation.rank[present], _coding_length(annotation, present), lengths[present]))]
    notices.add(f"isoforms were left out by --isoforms {rule}: {sentence}", count=len(present) - len(kept))
    return kept


def _clip_by_coding(annotation: Annotation, is_behind: bool) -> Intervals:
    """What of the exons lies behind the coding region in the direction of the transcript, or before it."""
    is_right = (annotation.strand > 0) == is_behind
    low = np.where(is_right, annotation.cds_end, 0)
    high = np.where(is_right, _FAR, annotation.cds_start)
    clipped = annotation.exons.clip(low, np.where(annotation.has_cds, high, 0))
    explicit = annotation.utr3 if is_behind else annotation.utr5
    return explicit.where(explicit.counts > 0, clipped)


def _clip_to_coding(annotation: Annotation) -> Intervals:
    return annotation.exons.clip(annotation.cds_start, annotation.cds_end)


def _keep_lncrna(annotation: Annotation) -> Intervals:
    biotypes = annotation.biotypes
    if not pc.any(pc.not_equal(biotypes, "")).as_py():
        raise InputError(f"{annotation.path}: names no biotypes; expected them for --region lncrna. Use --region transcript.")
    is_lncrna = pc.is_in(biotypes, pa.array(sorted(LNCRNA))).to_numpy(zero_copy_only=False)
    return annotation.exons.clip(np.zeros(len(annotation), np.int64), np.where(is_lncrna, _FAR, 0))


REGIONS: dict[str, Callable[[Annotation], Intervals]] = {
    "3utr": lambda annotation: _clip_by_coding(annotation, is_behind=True),
    "5utr": lambda annotation: _clip_by_coding(annotation, is_behind=False),
    "cds": _clip_to_coding,
    "transcript": lambda annotation: annotation.exons,
    "lncrna": _keep_lncrna,
}


def _coding_length(annotation: Annotation, indices: np.ndarray) -> np.ndarray:
    return _clip_to_coding(annotation).lengths[indices]


def _first_of_genes(genes: np.ndarray, *keys: np.ndarray) -> np.ndarray:
    """Of each gene the position that is first by the keys, the first of them foremost; the first in the file wins a tie."""
    order = np.lexsort((*reversed(keys), genes))
    return order[np.unique(genes[order], return_index=True)[1]]


def _longest(genes, ranks, coding, lengths) -> np.ndarray:
    return _first_of_genes(genes, -lengths)


def _representative(genes, ranks, coding, lengths) -> np.ndarray:
    return _first_of_genes(genes, ranks, -coding, -lengths)


def _principal(genes, ranks, coding, lengths) -> np.ndarray:
    best = np.full(genes.max(initial=-1) + 1, UNTAGGED)
    np.minimum.at(best, genes, ranks)
    return np.flatnonzero(ranks == best[genes])


# Name of the rule, what it keeps in words, and the function; none keeps all.
ISOFORMS: dict[str, tuple[str, Callable | None]] = {
    "all": ("every transcript that has the region", None),
    "longest": ("of each gene the one with the longest region", _longest),
    "principal": (
        "of each gene those with its best tag (MANE Select, RefSeq Select, Ensembl canonical, MANE Plus Clinical, APPRIS principal), "
        "and all where none has one",
        _principal,
    ),
    "representative": ("of each gene one: with its best tag, then the longest coding sequence, then region", _representative),
}
