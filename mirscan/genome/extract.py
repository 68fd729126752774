"""Genome + annotation + regions -> packed transcripts whose places on the genome are known."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.genome.annotation import Annotation, find_annotation_assembly, read_annotation
from mirscan.genome.intervals import Intervals
from mirscan.genome.reference import Genome, find_assembly, open_genome
from mirscan.genome.regions import choose_isoforms, cut_region
from mirscan.genome.rows import Problems
from mirscan.genome.settings import RegionSettings
from mirscan.genome.stop_codons import take_in_stop_codons
from mirscan.jit import njit
from mirscan.notices import Notices, tallied
from mirscan.sequence.alphabet import COMPLEMENT, N
from mirscan.sequence.headers import Place
from mirscan.sequence.text import open_text
from mirscan.sequence.transcriptome import Transcriptome

# The word of --rename-contigs for adding or removing chr; every other is a file.
CHR = "chr"
_MITOCHONDRIA = {"MT": "chrM", "chrM": "MT", "M": "chrM", "chrMT": "MT"}


@dataclass(frozen=True)
class Cut:
    """What was cut from a genome, and how long its contigs are, in nt by name and in the order of the genome."""

    transcriptome: Transcriptome
    contigs: dict[str, int]


def cut_genome(asked: RegionSettings, notices: Notices | None = None) -> Cut:
    """The regions of the transcripts of an annotation, spliced and in 5'->3' direction, with their places.

    Transcripts come in the order of the annotation, each region of several under the name TRANSCRIPT:REGION. Raises InputError as
    `read_annotation` and `open_genome` do, for contigs that the genome lacks, for transcripts that reach past the end of a contig, and
    where no transcript has any of the regions.
    """
    with tallied(notices) as tally, open_genome(asked.genome, tally) as genome:
        annotation = read_annotation(asked.annotation, asked.skip_bad, tally)
        _compare_assemblies(asked, tally)
        annotation = take_in_stop_codons(_fit_contigs(annotation, genome, asked, tally), genome, tally)
        pieces = [_choose(annotation, region, asked, tally) for region in asked.region]
        transcripts = np.concatenate([indices for indices, _ in pieces])
        if not len(transcripts):
            raise InputError(f"{asked.annotation}: no transcript in it has a {' or '.join(asked.region)}; expected one or more")
        regions = np.repeat(np.arange(len(pieces)), [len(indices) for indices, _ in pieces])
        blocks = _chain([lists for _, lists in pieces])
        order = np.lexsort((regions, transcripts))
        chosen = annotation.take(transcripts[order])
        names = [asked.region[number] for number in regions[order]]
        return Cut(_pack(chosen, blocks.take(order), names, genome, len(asked.region) > 1), genome.lengths)


def _compare_assemblies(asked: RegionSettings, notices: Notices) -> None:
    """A notice where genome and annotation both name their assembly, and not the same; patches (.p14) move no gene."""
    theirs, ours = find_annotation_assembly(asked.annotation), find_assembly(asked.genome)
    if theirs and ours and theirs.split(".")[0] != ours.split(".")[0]:
        what = f"annotations are of {theirs}, while the genome is {ours}, according to the first lines of both; nothing was lifted"
        notices.add(what, asked.annotation)


def _choose(annotation: Annotation, region: str, asked: RegionSettings, notices: Notices) -> tuple[np.ndarray, Intervals]:
    """(indices of the transcripts, blocks of their region)."""
    blocks = cut_region(annotation, region)
    kept = choose_isoforms(annotation, blocks.lengths, asked.isoforms, notices)
    return kept, blocks.take(kept)


def _chain(lists: list[Intervals]) -> Intervals:
    counts = np.concatenate([intervals.counts for intervals in lists])
    sides = (np.concatenate([getattr(intervals, side) for intervals in lists]) for side in ("start", "end"))
    return Intervals(np.concatenate(([0], np.cumsum(counts))), *sides)


def _fit_contigs(annotation: Annotation, genome: Genome, asked: RegionSettings, notices: Notices) -> Annotation:
    """The annotation with the genome's names of contigs, without the transcripts that the genome cannot hold where they may be skipped."""
    encoded = annotation.contigs.dictionary_encode()
    given, contig = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    rename = _renaming(asked.rename_contigs, genome)
    names = [rename(name) for name in given]
    lengths = np.array([genome.lengths.get(name, -1) for name in names], np.int64)
    ends = annotation.exons.highest
    # Where no name fits, skipping would leave nothing and hide why.
    problems = Problems(asked.annotation, asked.skip_bad and bool((lengths >= 0).any()), notices)
    for row in np.flatnonzero(ends > lengths[contig]):
        what, sentence = _tell_misfit(annotation, int(row), int(ends[row]), names[contig[row]], genome)
        problems.tell(int(annotation.line[row]), sentence, what)
    fitting = pa.array(names).take(encoded.indices)
    return replace(annotation, contigs=fitting).take(np.flatnonzero(ends <= lengths[contig]))


def _tell_misfit(annotation: Annotation, row: int, end: int, name: str, genome: Genome) -> tuple[str, str]:
    """(words of the tally, sentence) about a transcript that does not fit the genome."""
    if name in genome.lengths:
        sentence = f"{annotation.names[row].as_py()!r} ends at {end:,} of {name}, which has {genome.lengths[name]:,} nt in {genome.path}"
        return "transcripts past the end of a contig", sentence
    other = with_other_prefix(name, genome.lengths)
    known = ", ".join(list(genome.lengths)[:3]) + (", ..." if len(genome.lengths) > 3 else "")
    advice = f"has {other!r}: give --rename-contigs chr" if other else f"has {known}: give another genome, or --rename-contigs with a table"
    return "transcripts on contigs that the genome lacks", f"contig {name!r} is not in {genome.path}, which {advice}"


def with_other_prefix(name: str, known: Collection[str]) -> str | None:
    """The name among `known` of a contig that is written with chr there and without here, or the other way round; None where there is none.

    >>> with_other_prefix("chr2", {"1", "2"}), with_other_prefix("MT", {"chrM"}), with_other_prefix("chr2", {"chr2"})
    ('2', 'chrM', None)
    """
    candidates = (_MITOCHONDRIA.get(name), name.removeprefix("chr") if name.startswith("chr") else f"chr{name}")
    return next((candidate for candidate in candidates if candidate in known), None)


def _renaming(words: str | None, genome: Genome) -> Callable[[str], str]:
    """Function from the annotation's name of a contig to the genome's."""
    if words is None:
        return lambda name: name
    if words == CHR:
        return lambda name: name if name in genome.lengths else with_other_prefix(name, genome.lengths) or name
    table = _read_names(words)
    return lambda name: table.get(name, name)


def _read_names(path: str) -> dict[str, str]:
    table = {}
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            fields = line.decode("utf-8", "replace").split()
            if not fields or fields[0].startswith("#"):
                continue
            if len(fields) != 2:
                raise InputError(f"{path}, line {number}: {len(fields)} words; expected the annotation's name of a contig and the genome's")
            table[fields[0]] = fields[1]
    return table


def _pack(chosen: Annotation, blocks: Intervals, regions: list[str], genome: Genome, is_several: bool) -> Transcriptome:
    lengths = blocks.lengths
    end = np.cumsum(lengths + 1)
    begin = end - lengths
    codes = np.full(int(end[-1]) + 1, N, dtype=np.uint8)
    contigs = chosen.contigs.dictionary_encode()
    for number, contig in enumerate(contigs.dictionary.to_pylist()):
        here = np.flatnonzero(contigs.indices.to_numpy() == number)
        _splice(genome.codes(contig), blocks.first, blocks.start, blocks.end, chosen.strand, here, begin, codes)
    names = chosen.names.to_pylist()
    names = [f"{name}:{region}" for name, region in zip(names, regions, strict=True)] if is_several else names
    places = pa.array(_places(chosen, blocks), pa.string())
    return Transcriptome(codes, begin, end, pa.array(names), chosen.genes, chosen.symbols, places, pa.array(regions))


def _places(chosen: Annotation, blocks: Intervals) -> Iterator[str]:
    first, start, end = (side.tolist() for side in (blocks.first, blocks.start, blocks.end))
    for row, (contig, strand) in enumerate(zip(chosen.contigs.to_pylist(), chosen.strand.tolist(), strict=True)):
        rows = slice(first[row], first[row + 1])
        yield str(Place(contig, tuple(zip(start[rows], end[rows], strict=True)), "+" if strand > 0 else "-"))


@njit
def _splice(contig, first, start, end, strand, rows, begin, out):
    """Write the blocks of each of `rows` of a contig's codes, one behind the other and 5'->3', from `begin` of it on."""
    for row in rows:
        at = begin[row]
        if strand[row] > 0:
            for block in range(first[row], first[row + 1]):
                for source in range(start[block], end[block]):
                    out[at] = contig[source]
                    at += 1
        else:
            for block in range(first[row + 1] - 1, first[row] - 1, -1):
                for source in range(end[block] - 1, start[block] - 1, -1):
                    out[at] = COMPLEMENT[contig[source]]
                    at += 1
