"""More files from a finished run: GFF3, bigBed, text, a track hub and an IGV session. Each is made anew, whole or not at all."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mirscan.errors import InputError, RunError
from mirscan.genome.projection import Projection, project_on_itself
from mirscan.notices import counted
from mirscan.output.bigbed import write_bigbed
from mirscan.output.browsers import HUB_SITES, hub_texts, igv_session
from mirscan.output.genome_bed import GenomeSites, SiteNames
from mirscan.output.gff3 import write_gff3
from mirscan.output.sites_text import write_sites_text
from mirscan.run.browser_files import contig_lengths
from mirscan.run.partition import PartContext, open_context
from mirscan.run.settings import check_formats
from mirscan.run.site_columns import BATCH_ROWS, read_sites
from mirscan.run.summary import read_result
from mirscan.store.explained import explained_errors
from mirscan.store.names import BED, BIGBED, GFF3, HUB, IGV_SESSION, SITES_TEXT, TRANSCRIPTS, part_sites
from mirscan.store.protocol import Store

_INDEXES = (".tbi", ".csi")


def export(out: str | os.PathLike, formats: Sequence[str], assembly: str | None = None) -> dict[str, int]:
    """Write the sites of the finished run at `out` in more formats; return the bytes of each file by its name.

    `formats` of tsv, gff3, bigbed, hub and igv (bed and parquet are always there); `assembly` is UCSC's name of the genome, as dm6, which
    a hub needs. Without a genome, transcripts take the place of contigs. Raises RunError where no finished run is there, and InputError
    for an unknown format or one that lacks something.

    >>> run = ms.scan("examples/fly_mirnas.fa", genome="examples/fly.fa.gz", annotation="examples/fly.gtf.gz", out="fly", model="none")
    >>> list(ms.export("fly", ["gff3", "tsv"]))
    ['sites.gff3.gz', 'sites.gff3.gz.tbi', 'sites.tsv.gz']
    """
    check_formats(formats, assembly)
    context = open_context(os.fspath(out))
    with explained_errors(context.store.root):
        if read_result(context.store) is None:
            raise RunError(f"{out}: the run is not finished, so there is nothing to export; `mirscan resume {out}` finishes it")
        source = _Source(context, assembly)
        written = [name for word in dict.fromkeys(formats) for name in _EXPORTERS[word](source)]
        return {name: context.store.size(name) for name in written}


@dataclass(frozen=True)
class _Source:
    """What every format is made of."""

    context: PartContext
    assembly: str | None

    @property
    def store(self) -> Store:
        return self.context.store

    @property
    def names(self) -> SiteNames:
        return self.context.site_names

    @cached_property
    def projection(self) -> Projection:
        return self.context.projection or project_on_itself(self.context.transcriptome)

    @contextmanager
    def sorted_batches(self) -> Iterator:
        """All sites in the order of the genome."""
        scratch = self.store.scratch("export")
        with tempfile.TemporaryDirectory(dir=scratch.parent, prefix="export-") as folder:
            sites = GenomeSites(self.projection, self.names, Path(folder))
            for number in range(len(self.context.plan.parts)):
                for columns in read_sites(self.context, number):
                    sites.write(*columns)
            yield sites.sorted_batches()

    def publish(self, path: Path, name: str) -> list[str]:
        """Put a finished file and its index in place; the names of both."""
        self.store.publish(path, name)
        indexes = [ending for ending in _INDEXES if Path(f"{path}{ending}").exists()]
        for ending in indexes:
            self.store.publish(Path(f"{path}{ending}"), f"{name}{ending}")
        return [name, *(f"{name}{ending}" for ending in indexes)]


def _nothing(source: _Source) -> list[str]:
    """BED and Parquet are a part of every run."""
    return []


def _export_gff3(source: _Source) -> list[str]:
    path = source.store.scratch(GFF3)
    with source.sorted_batches() as batches:
        write_gff3(path, batches, source.projection, source.names)
    return source.publish(path, GFF3)


def _export_bigbed(source: _Source) -> list[str]:
    return source.publish(_write_bigbed(source), BIGBED)


def _write_bigbed(source: _Source) -> Path:
    path = source.store.scratch(BIGBED)
    with source.sorted_batches() as batches:
        write_bigbed(path, contig_lengths(source.context), batches, source.projection, source.names)
    return path


def _export_text(source: _Source) -> list[str]:
    path = source.store.scratch(SITES_TEXT)
    write_sites_text(path, _iter_parts(source.context))
    return source.publish(path, SITES_TEXT)


def _iter_parts(context: PartContext) -> Iterator[pa.RecordBatch]:
    """All rows of SITES; an empty batch at least, for its columns."""
    yield pa.RecordBatch.from_pylist([], context.schema)
    for number in range(len(context.plan.parts)):
        with pq.ParquetFile(context.store.local(part_sites(number))) as file:
            yield from file.iter_batches(BATCH_ROWS)


def _export_hub(source: _Source) -> list[str]:
    described = f"Target sites of {counted(source.context.plan.n_mirnas, 'miRNA')}, mirscan {source.context.plan.identity['mirscan']}"
    texts = {f"{HUB}/{name}": text for name, text in hub_texts(source.assembly, described).items()}
    sites = f"{HUB}/{source.assembly}/{HUB_SITES}"
    source.publish(_write_bigbed(source), sites)
    for name, text in texts.items():
        source.store.write(name, text.encode())
    return [*texts, sites]


def _export_igv(source: _Source) -> list[str]:
    settings = source.context.plan.settings
    is_on_genome = source.context.projection is not None
    if is_on_genome and settings.genome is None:
        raise InputError("--format igv: the run knows its genome by headers of FASTA only; open your genome in IGV, then sites.bed.gz")
    # Paths beside the session stay right when the folder is moved.
    genome = os.path.abspath(settings.genome) if is_on_genome else TRANSCRIPTS
    tracks = {BED: "miRNA sites"} | ({os.path.abspath(settings.annotation): "genes"} if is_on_genome else {})
    with source.sorted_batches() as batches:
        rows, places = next(batches, (None, None))
    locus = None if rows is None else (source.projection.contigs[places.contig[0]], int(places.start[0]), int(places.end[0]))
    source.store.write(IGV_SESSION, igv_session(genome, tracks, locus).encode())
    return [IGV_SESSION]


_EXPORTERS: dict[str, Callable[[_Source], list[str]]] = {
    "bed": _nothing,
    "parquet": _nothing,
    "tsv": _export_text,
    "gff3": _export_gff3,
    "bigbed": _export_bigbed,
    "hub": _export_hub,
    "igv": _export_igv,
}
