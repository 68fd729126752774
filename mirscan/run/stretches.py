"""One part of a run: its sites, and from these its stretch of every result, so that little is left to do when all parts are done.

A stretch is made from the part's Parquet file alone: one that is lost, or that a finished run has deleted, costs no scan and no scores.
"""

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.genes.site_features import Places
from mirscan.output.bed import BedBlocks, BedText
from mirscan.output.files import whole_file
from mirscan.output.parquet import ParquetRows
from mirscan.run.gene_stretches import part_genes
from mirscan.run.gene_tables import gene_rows
from mirscan.run.genome_ranges import PartPlaces
from mirscan.run.null_counts import Counts, write_counts
from mirscan.run.partition import PartContext, Report, find_damage, make_sites, peak_memory_mb
from mirscan.run.sealed import seal, unseal
from mirscan.run.site_columns import read_sites
from mirscan.run.site_significance import site_keys
from mirscan.store.checksums import describe_file, find_change
from mirscan.store.names import (
    genes_strengths,
    genes_table,
    part_bed,
    part_bed_runs,
    part_cut_sites,
    part_failure,
    part_levels,
    part_places,
    part_record,
)
from mirscan.store.protocol import Store

CUT_SITES = pa.schema(zip(Places._fields, (pa.int32(), pa.int32(), pa.int32(), pa.int32(), pa.int8(), pa.float32()), strict=True))
Write = Callable[[Places], None]


@dataclass
class Stretches:
    """What a part adds to the results: finished files by name, still in scratch."""

    store: Store
    files: dict[str, Path] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Where to write the file `name`."""
        self.files[name] = self.store.scratch(name)
        return self.files[name]


def process_part(context: PartContext, number: int, report: Report | None = None) -> dict:
    """Make what is missing of part `number`; return its record, which is written last and means done."""
    started, store = time.monotonic(), context.store
    is_lost = find_damage(store, number) is not None
    with context.scoring if is_lost and context.plan.settings.is_scored else nullcontext():
        record = make_sites(context, number, report) if is_lost else unseal(store.read(part_record(number)))
    record |= {"stretches": write_stretches(context, number), "seconds": round(time.monotonic() - started, 3)}
    record |= {"worker": f"{platform.node()}:{os.getpid()}", "peak_mb": peak_memory_mb()}
    store.write(part_record(number), seal(record))
    store.remove(part_failure(number))
    return record


def find_stretch_damage(store: Store, number: int) -> str | None:
    """What is wrong with the stretches of a part whose sites are whole; None where they can be joined."""
    stretches = unseal(store.read(part_record(number))).get("stretches")
    if stretches is None:
        return f"{part_record(number)} names none"
    return next((change for name, expected in stretches.items() if (change := find_change(store, name, expected))), None)


def write_stretches(context: PartContext, number: int) -> dict:
    """Write part `number`'s stretch of every result; return bytes and checksums by name."""
    stretches = Stretches(context.store)
    with ExitStack() as stack:
        writers = [stack.enter_context(kind(context, number, stretches)) for kind in KINDS]
        for sites in read_sites(context, number):
            for write in writers:
                write(sites)
    described = {name: describe_file(path) for name, path in stretches.files.items()}
    for name, path in stretches.files.items():
        # What a power cut takes of a stretch, its checksum tells; it is made again from the sites.
        context.store.publish(path, name, is_lasting=False)
    return described


@contextmanager
def _bed(context: PartContext, number: int, stretches: Stretches) -> Iterator[Write]:
    """BED on transcripts, as it stands in the result."""
    part, packed = context.plan.parts[number], context.transcriptome
    names = packed.names.slice(part.first, part.last - part.first).to_pylist()
    lengths = packed.lengths[part.first : part.last] if context.plan.settings.circular else None
    with whole_file(stretches.path(part_bed(number))) as file, whole_file(stretches.path(part_bed_runs(number))) as runs:
        blocks = BedBlocks(file, BedText(names, context.mirnas.names, context.table.rules, lengths))
        yield lambda sites: blocks.write(*sites.of_transcripts(part.first, part.last))
        np.save(runs, blocks.close())


@contextmanager
def _places(context: PartContext, number: int, stretches: Stretches) -> Iterator[Write]:
    """Sites in the order of the genome, of which every part has some of every range."""
    places = PartPlaces(context)
    yield places.write
    places.close(stretches.path(part_places(number)))


def _bed_or_places(context: PartContext, number: int, stretches: Stretches):
    return (_bed if context.projection is None else _places)(context, number, stretches)


def _genes(context: PartContext, number: int, stretches: Stretches):
    stretch = context.gene_stretches[part_genes(number)]
    return gene_rows(context, stretch, stretches.path(genes_table(stretch.name)), stretches.path(genes_strengths(stretch.name)))


def _cut_sites(context: PartContext, number: int, stretches: Stretches):
    """The sites of genes that this part shares with others, for who joins them."""
    part, own = context.plan.parts[number], context.gene_stretches[part_genes(number)]
    if (own.first, own.last) == (part.first, part.last):
        return nullcontext(lambda sites: None)
    return _write_cut_sites(stretches.path(part_cut_sites(number)), own.first, own.last)


@contextmanager
def _write_cut_sites(path: Path, first: int, last: int) -> Iterator[Write]:
    with ParquetRows(path, CUT_SITES) as rows:

        def write(sites: Places) -> None:
            is_cut = (sites.transcript < first) | (sites.transcript >= last)
            rows.write(pa.record_batch([column[is_cut] for column in sites], schema=CUT_SITES))

        yield write


@contextmanager
def _write_levels(context: PartContext, path: Path) -> Iterator[Write]:
    counts = Counts()
    yield lambda sites: counts.add(site_keys(context, sites.mirna, sites.seed, sites.score))
    write_counts(counts, path)


def _levels(context: PartContext, number: int, stretches: Stretches):
    """Where a background ran: sites counted by level, for their q-values."""
    if not context.plan.background:
        return nullcontext(lambda sites: None)
    return _write_levels(context, stretches.path(part_levels(number)))


# Results that parts write in stretches; a new one is one function here, which yields what takes the sites in, and its join in finish.py.
KINDS = (_bed_or_places, _genes, _cut_sites, _levels)
