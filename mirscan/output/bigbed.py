"""SITES as bigBed, the indexed binary BED that UCSC's browser and others read from a web server."""

import os
import struct
from collections.abc import Iterator, Mapping

import numpy as np

from mirscan.errors import InputError
from mirscan.genome.projection import GenomePlaces, Projection
from mirscan.output.genome_bed import Bed12Lines, SiteNames

AUTOSQL = """table mirnaTargetSites
"Target sites of microRNAs, found by mirscan"
    (
    string chrom;           "Contig"
    uint chromStart;        "First base of the site, 0-based"
    uint chromEnd;          "One past its last base"
    string name;            "miRNA, seed rule and gene"
    uint score;             "Calibrated score times 1000"
    char[1] strand;         "Strand of the transcript"
    uint thickStart;        "First base of the seed match"
    uint thickEnd;          "One past its last base"
    uint reserved;          "Colour of the seed rule"
    int blockCount;         "Stretches of the site on the genome"
    int[blockCount] blockSizes; "Their lengths"
    int[blockCount] chromStarts; "Their starts, from chromStart"
    string mirna;           "miRNA"
    string seed;            "Seed rule"
    string gene;            "Gene"
    string transcript;      "Transcript, one of those that share the site"
    float siteScore;        "Calibrated score, 0 to 1, or -1 without a model"
    )
"""
_NO_SCORE = -1.0
# Where the header of a bigBed says how many of its fields are those of BED.
_DEFINED_FIELDS_AT, BED_FIELDS = 34, 12


def write_bigbed(
    path: str | os.PathLike,
    lengths: Mapping[str, int],
    batches: Iterator[tuple[np.ndarray, GenomePlaces]],
    projection: Projection,
    names: SiteNames,
) -> None:
    """Write batches of `GenomeSites.sorted_batches` as BED12 with five columns more; `lengths` in nt of all contigs, by name.

    Raises InputError where the package pybigtools is not installed.
    """
    try:
        import pybigtools
    except ImportError:
        raise InputError("--format bigbed needs the package pybigtools; install it with `pip install 'mirscan[bigbed]'`") from None
    writer = pybigtools.open(os.fspath(path), "w")
    writer.write(dict(lengths), _entries(batches, projection, names), autosql=AUTOSQL)
    with open(path, "r+b") as file:
        # The writer calls every column one of BED's own; five are ours, and UCSC's programs ask.
        file.seek(_DEFINED_FIELDS_AT)
        file.write(struct.pack("<H", BED_FIELDS))


def _entries(batches, projection: Projection, names: SiteNames) -> Iterator[tuple[str, int, int, str]]:
    """(contig, start, end, the other columns) of each site."""
    lines = Bed12Lines(projection, names)
    for rows, places in batches:
        texts = lines.format(rows, places)[0].tobytes().decode().splitlines()
        columns = (rows[name].tolist() for name in ("mirna", "seed", "transcript", "score"))
        genes = names.gene_of_transcript[rows["transcript"]].tolist()
        for text, mirna, seed, transcript, score, gene in zip(texts, *columns, genes, strict=True):
            contig, start, end, rest = text.split("\t", 3)
            shown = f"{score if score == score else _NO_SCORE:.6g}"
            more = (names.mirnas[mirna], names.rules[seed], names.genes[gene], names.transcripts[transcript], shown)
            yield contig, int(start), int(end), "\t".join((rest, *more))
