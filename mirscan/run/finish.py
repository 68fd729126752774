"""Stretches of results -> BED and gene tables: joined in order while later jobs are at work, by one process that copies bytes."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from mirscan.errors import RunError
from mirscan.output.background import Background
from mirscan.output.bed import escape_chromosome
from mirscan.output.bgzf import END, bgzf_block
from mirscan.output.files import append_file, whole_file
from mirscan.output.genes import GenesText
from mirscan.output.parquet import ParquetRows
from mirscan.output.parquet_join import ParquetJoin
from mirscan.output.tabix import join_runs, shift_runs, write_index
from mirscan.run.gene_tables import PairTally, gene_schema
from mirscan.run.jobs import GENES as GENES_JOB
from mirscan.run.jobs import PART, RANGE, Job, do_job, later_rounds, part_round
from mirscan.run.partition import PartContext, find_damage
from mirscan.run.stopwatch import clock
from mirscan.run.stretches import find_stretch_damage
from mirscan.store.names import (
    BED,
    BED_INDEX,
    BED_INDEX_LONG,
    GENES,
    GENES_TEXT,
    genes_ranks,
    genes_table,
    genes_text,
    is_stretch,
    part_bed,
    part_bed_runs,
    range_bed,
    range_bed_runs,
)
from mirscan.store.protocol import Store

# What is joined goes to the disk while jobs are at work, so that little is left to wait for at the end.
SYNC_BYTES = 1 << 26


@dataclass
class Finished:
    """What the rows of GENES hold together, and the seconds that were left when the last job was done; `top` strongest first."""

    n_pairs: int
    n_genes: int
    top: list[dict]
    seconds: dict[str, float] = field(default_factory=dict)


def list_damage(store: Store, n_parts: int, find: Callable[[Store, int], str | None] = find_damage) -> dict[int, str]:
    """Parts, by default those of the scan, that are not done or not whole, with what is wrong as `find` tells it."""
    return {number: damage for number in range(n_parts) if (damage := find(store, number)) is not None}


def list_lost_stretches(store: Store, parts: Iterator[int]) -> list[int]:
    """Those of the `parts`, whose sites are whole, that lack a stretch of the results."""
    return [number for number in parts if find_stretch_damage(store, number) is not None]


def finish_run(context: PartContext) -> Finished:
    """Do in this thread what is left of a run whose parts are all done.

    Raises RunError listing the parts that are missing or damaged, and writes nothing then.
    """
    refuse_damage(context)
    with Finish(context) as finish:
        parts = range(len(context.plan.parts))
        lost = list_lost_stretches(context.store, parts)
        for jobs in (part_round([Job(PART, number) for number in lost]), *later_rounds(context)):
            for job in jobs:
                finish.job_done(job, do_job(context, job))
        for number in set(parts).difference(lost):
            finish.job_done(Job(PART, number))
        return finish.publish()


def remove_stretches(store: Store) -> None:
    """Delete what a finished run has joined."""
    for name in filter(is_stretch, store.names()):
        store.remove(name)


def refuse_damage(context: PartContext) -> None:
    """Raise RunError listing the parts whose sites are missing or damaged."""
    root, n_parts = context.store.root, len(context.plan.parts)
    damage = list_damage(context.store, n_parts)
    if damage:
        listed = "; ".join(f"part {number}: {what}" for number, what in list(damage.items())[:5])
        more = f" and {len(damage) - 5} more" if len(damage) > 5 else ""
        raise RunError(f"{root}: {len(damage)} of {n_parts} parts are not whole ({listed}{more}). `mirscan resume {root}` makes them anew.")


class Finish:
    """BED and gene tables, joined from stretches as these are done. Use as a context manager: on an error nothing is left."""

    def __init__(self, context: PartContext):
        self._context, self._store = context, context.store
        self._tallies: dict[int, PairTally] = {}
        self._tally, self._runs, self._n_unsynced = PairTally(), [], 0
        self._scratch = {name: context.store.scratch(name) for name in (BED, GENES, GENES_TEXT)}
        bed_kind = PART if context.projection is None else RANGE
        self._lines = {
            bed_kind: _Line(lambda number: self._background.put(lambda: self._join_bed(number))),
            GENES_JOB: _Line(lambda number: self._background.put(lambda: self._join_genes(number))),
        }

    def __enter__(self) -> "Finish":
        self._files = ExitStack()
        self._bed, genes, self._text = (self._files.enter_context(whole_file(self._scratch[name])) for name in (BED, GENES, GENES_TEXT))
        schema, empty = gene_schema(self._context), self._store.scratch(GENES)
        with ParquetRows(empty, schema):
            pass
        self._genes = ParquetJoin(genes, empty)
        empty.unlink()
        self._text.write(bgzf_block(GenesText(schema).header))
        self._background = Background(lambda task: task())
        return self

    def __exit__(self, error_type, error, traceback) -> None:
        if error_type is not None:
            # What went wrong before matters more than what else goes wrong now.
            with contextlib.suppress(Exception):
                self._background.close()
        self._files.__exit__(error_type, error, traceback)

    def job_done(self, job: Job, result=None) -> None:
        """A job is done, in any order. Raises what went wrong with joining those before."""
        if job.kind == GENES_JOB:
            self._tallies[job.number] = result
        if job.kind in self._lines:
            self._lines[job.kind].done(job.number)

    def publish(self) -> Finished:
        """Wait until all is joined, write the index, and move the results into place."""
        seconds: dict[str, float] = {}
        with clock(seconds, "join"):
            self._background.close()
            self._bed.write(END)
            self._text.write(END)
            self._genes.close()
        with clock(seconds, "check"):
            refuse_damage(self._context)
        with clock(seconds, "index"):
            index = write_index(join_runs(self._runs), self._sequences(), self._scratch[BED])
        with clock(seconds, "publish"):
            self._files.close()
            for name, path in self._scratch.items():
                self._store.publish(path, name)
            kept, gone = (BED_INDEX_LONG, BED_INDEX) if index.suffix == ".csi" else (BED_INDEX, BED_INDEX_LONG)
            self._store.publish(index, kept)
            self._store.remove(gone)
        top = [row for _, row in self._tally.top]
        return Finished(self._tally.n_pairs, len(self._tally.genes), top, seconds)

    def _sequences(self) -> list[str]:
        """What the first column of the BED names, by number."""
        projection = self._context.projection
        names = self._context.transcriptome.names.to_pylist() if projection is None else projection.contigs
        return [escape_chromosome(name) for name in names]

    def _join_bed(self, number: int) -> None:
        is_on_genome = self._context.projection is not None
        blocks, runs = (range_bed, range_bed_runs) if is_on_genome else (part_bed, part_bed_runs)
        first = 0 if is_on_genome else self._context.plan.parts[number].first
        self._runs.append(shift_runs(np.load(self._store.local(runs(number))), first, self._bed.tell()))
        self._append(self._bed, blocks(number))

    def _join_genes(self, number: int) -> None:
        name = list(self._context.gene_stretches)[number]
        self._append(self._text, genes_text(name))
        self._genes.write(self._store.local(genes_table(name)), self._store.local(genes_ranks(name)))
        self._tally.add(self._tallies.pop(number))

    def _append(self, file: BinaryIO, name: str) -> None:
        path = self._store.local(name)
        append_file(file, path)
        self._n_unsynced += path.stat().st_size
        if self._n_unsynced >= SYNC_BYTES:
            self._n_unsynced = 0
            for written in (self._bed, self._text):
                written.flush()
                os.fsync(written.fileno())


class _Line:
    """Calls `consume` with numbers from 0 on, each as soon as it and all before it are done."""

    def __init__(self, consume: Callable[[int], None]):
        self._consume, self._done, self._next = consume, set(), 0

    def done(self, number: int) -> None:
        self._done.add(number)
        while self._next in self._done:
            self._done.remove(self._next)
            self._consume(self._next)
            self._next += 1
