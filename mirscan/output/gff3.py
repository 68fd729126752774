"""SITES as GFF3: features miRNA_target_site (SO:0000934), one line for each block, those of a site across a junction with one ID."""

import os
import re
from collections.abc import Iterator
from urllib.parse import quote

import numpy as np

from mirscan.genome.projection import GenomePlaces, Projection
from mirscan.jit import njit
from mirscan.output.bed import PLUS, arrays_of
from mirscan.output.genome_bed import MINUS, ROW, SiteNames
from mirscan.output.indexed_text import IndexedText
from mirscan.output.text import (
    INT_WIDTH,
    NEWLINE,
    PROBABILITY_WIDTH,
    TAB,
    pack_names,
    put_byte,
    put_int,
    put_name,
    put_probability,
    text_buffer,
)

# A line to be: the site with its number, and where the block lies; `at` is contig and first base in one number.
_LINE = np.dtype([*((name, kind) for name, (kind, _) in ROW.fields.items()), ("number", "i8"), ("at", "i8"), ("from", "i8"), ("to", "i8")])
# What GFF3 sets apart in column 1, and in names within column 9.
_SEQID_SAFE = ".:^*$@!+_?-|"
_SETS_APART = re.compile(r"[%;=&,\t\n\r]")
_POINT = ord(".")


def write_gff3(
    path: str | os.PathLike, batches: Iterator[tuple[np.ndarray, GenomePlaces]], projection: Projection, names: SiteNames
) -> None:
    """Write batches of `GenomeSites.sorted_batches`, with a tabix index where the path ends with .gz."""
    lines = _Gff3Lines(projection, names)
    waiting, n_sites = np.empty(0, _LINE), 0
    with IndexedText(path, preset="gff") as file:
        file.put(b"##gff-version 3\n")
        for rows, places in batches:
            waiting = np.concatenate([waiting, _cut_lines(rows, places, n_sites)])
            n_sites += len(rows)
            # Blocks behind the last site of a batch wait for the sites that begin before them.
            is_due = waiting["at"] <= rows["place"][-1]
            _put(file, lines, waiting[is_due])
            waiting = waiting[~is_due]
        _put(file, lines, waiting)


def _put(file: IndexedText, lines: "_Gff3Lines", due: np.ndarray) -> None:
    if len(due):
        file.put(lines.format(due[np.argsort(due["at"], kind="stable")]), int(due["to"].max()))


def _cut_lines(rows: np.ndarray, places: GenomePlaces, first_number: int) -> np.ndarray:
    """The lines of sites that are numbered from `first_number` on."""
    blocks = places.blocks
    site = blocks.lists
    lines = np.empty(len(site), _LINE)
    for name in ROW.names:
        lines[name] = rows[name][site]
    lines["number"], lines["from"], lines["to"] = site + first_number, blocks.start, blocks.end
    lines["at"] = rows["place"][site] + blocks.start - places.start[site]
    return lines


class _Gff3Lines:
    def __init__(self, projection: Projection, names: SiteNames):
        self._is_reverse, self._gene_of_transcript, self._contig = projection.is_reverse, names.gene_of_transcript, projection.contig
        self._tables = (
            pack_names(f"{quote(name, safe=_SEQID_SAFE)}\tmirscan\tmiRNA_target_site\t" for name in projection.contigs),
            pack_names(f";Name={_escape(name)};mirna={_escape(name)}" for name in names.mirnas),
            pack_names(f";seed={_escape(rule)}" for rule in names.rules),
            pack_names(f";gene={_escape(gene)}" for gene in names.genes),
            pack_names(f";transcript={_escape(name)}" for name in names.transcripts),
        )

    def format(self, lines: np.ndarray) -> bytes:
        width = sum(table.width for table in self._tables) + 3 * (INT_WIDTH + 1) + PROBABILITY_WIDTH + len("\t+\t.\tID=site\n")
        out = text_buffer(len(lines) * width)
        transcript = lines["transcript"]
        columns = (
            self._contig[transcript],
            lines["from"],
            lines["to"],
            lines["mirna"],
            lines["seed"],
            self._gene_of_transcript[transcript],
        )
        more = (transcript, lines["score"], self._is_reverse[transcript], lines["number"])
        return out[: _format(*columns, *more, _ID, *map(arrays_of, self._tables), out)].tobytes()


_ID = np.frombuffer(b"\t.\tID=site", np.uint8)


def _escape(name: str) -> str:
    return _SETS_APART.sub(lambda found: f"%{ord(found[0]):02X}", name)


@njit(allocates=False)
def _format(contig, start, end, mirna, seed, gene, transcript, score, is_reverse, number, id_text, *names_and_out):
    """Format lines into the last argument (uint8, large enough); return the bytes written."""
    contigs, mirnas, rules, genes, transcripts, out = names_and_out
    at = 0
    for row in range(len(start)):
        at = put_name(out, at, contigs[0], contigs[1], contig[row])
        at = put_int(out, at, start[row] + 1)
        at = put_byte(out, at, TAB)
        at = put_int(out, at, end[row])
        at = put_byte(out, at, TAB)
        at = put_byte(out, at, _POINT) if np.isnan(score[row]) else put_probability(out, at, score[row])
        at = put_byte(out, at, TAB)
        at = put_byte(out, at, MINUS if is_reverse[row] else PLUS)
        for byte in id_text:
            at = put_byte(out, at, byte)
        at = put_int(out, at, number[row] + 1)
        at = put_name(out, at, mirnas[0], mirnas[1], mirna[row])
        at = put_name(out, at, rules[0], rules[1], seed[row])
        at = put_name(out, at, genes[0], genes[1], gene[row])
        at = put_name(out, at, transcripts[0], transcripts[1], transcript[row])
        at = put_byte(out, at, NEWLINE)
    return at
