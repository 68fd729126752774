"""The transcripts themselves, for browsers and other programs: bgzip FASTA with indexes, and BED12 of their places on a genome."""

import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pysam

from mirscan.genome.projection import Projection
from mirscan.output.bed import escape_chromosome
from mirscan.output.bgzf import BgzfFile
from mirscan.output.indexed_text import IndexedText
from mirscan.sequence.alphabet import decode
from mirscan.sequence.transcriptome import Transcriptome

LINE = 80
# A region is no site: black.
_COLOUR = "0,0,0"


def write_fasta(transcriptome: Transcriptome, path: str | os.PathLike) -> list[Path]:
    """Write transcripts as bgzip FASTA under the names that BED on transcripts has for them; return the paths of it, .fai and .gzi.

    Behind the name stand gene and symbol and, where they are known, place and region, so that a scan of this file knows them again.
    """
    path = Path(path)
    with closing(BgzfFile(path)) as file:
        for row, words in enumerate(zip(*(column.to_pylist() for column in transcriptome.words), strict=True)):
            letters = decode(transcriptome.codes[transcriptome.begin[row] : transcriptome.end[row]])
            # An index has no place for a sequence without letters.
            if letters:
                lines = (letters[at : at + LINE] for at in range(0, len(letters), LINE))
                file.write("\n".join((_header(*words), *lines, "")).encode())
    pysam.faidx(os.fspath(path))
    return [path, *(path.with_name(f"{path.name}{ending}") for ending in (".fai", ".gzi"))]


def write_transcript_bed(transcriptome: Transcriptome, projection: Projection, path: str | os.PathLike) -> Path:
    """Write where transcripts lie as BED12, sorted, with a tabix index where the path ends with .gz; nothing is thick."""
    blocks, names = projection.blocks, transcriptome.names.to_pylist()
    starts, ends = blocks.lowest, blocks.highest
    with IndexedText(path) as file:
        for row in np.lexsort((ends, starts, projection.contig)):
            own = slice(blocks.first[row], blocks.first[row + 1])
            sizes = ",".join(map(str, (blocks.end[own] - blocks.start[own]).tolist()))
            offsets = ",".join(map(str, (blocks.start[own] - starts[row]).tolist()))
            strand = "-" if projection.is_reverse[row] else "+"
            words = [escape_chromosome(projection.contigs[projection.contig[row]]), starts[row], ends[row], names[row], 0, strand]
            words += [starts[row], starts[row], _COLOUR, own.stop - own.start, sizes, offsets]
            file.put("\t".join(map(str, words)).encode() + b"\n", int(ends[row]))
    return Path(path)


def _header(name: str, gene: str, symbol: str, place: str | None, region: str | None) -> str:
    said = {"gene": gene, "gene_name": symbol, "place": place, "region": place and region}
    return " ".join([f">{escape_chromosome(name)}", *(f"{key}={word}" for key, word in said.items() if word)])
