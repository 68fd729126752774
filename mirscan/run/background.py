"""The background of a run: each transcript shuffled, scanned and scored as it is itself, in parts; only counts are kept."""

import os
import platform
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from mirscan.genes.aggregation import GeneAggregator, GeneNames
from mirscan.genes.ranking import strength_of
from mirscan.genes.significance import levels_of, site_levels
from mirscan.genes.site_features import Places
from mirscan.run.aggregator import make_aggregator
from mirscan.run.null_counts import Counts, Keys, add_counts, write_background, write_counts
from mirscan.run.partition import PartContext, Report, find_candidates, peak_memory_mb
from mirscan.run.plan import Part
from mirscan.run.sealed import seal, unseal
from mirscan.run.sites import choose_sites, places_of, score_batch
from mirscan.search.filters import Regions
from mirscan.sequence.coding import CodingRegions
from mirscan.sequence.shuffle import shuffle_in_place
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.store.checksums import describe_file, find_change
from mirscan.store.names import BACKGROUND, background_counts, background_failure, background_record
from mirscan.store.protocol import Store

# Letters shuffled at once.
_MOST_BASES = 1 << 24


def process_background(context: PartContext, number: int, report: Report | None = None) -> dict:
    """Shuffle and scan part `number` of the background; return its record, which is written last and means done."""
    started, part, store = time.monotonic(), context.plan.background[number], context.store
    rows = np.arange(part.first, part.last)
    counts, n_sites, n_done = Counts(), 0, 0
    for draws in _rounds(context.plan.settings.background, part.bases):
        n_sites += _count_shuffles(context, rows[~context.is_copy[rows]], draws, counts)
        n_done += len(draws)
        if report:
            report(part.bases * n_done // context.plan.settings.background, n_sites)
    scratch = store.scratch(background_counts(number))
    write_counts(counts, scratch)
    record = {"part": number, "rows": n_sites, **describe_file(scratch)}
    store.publish(scratch, background_counts(number))
    record |= {"seconds": round(time.monotonic() - started, 3), "worker": f"{platform.node()}:{os.getpid()}", "peak_mb": peak_memory_mb()}
    store.write(background_record(number), seal(record))
    store.remove(background_failure(number))
    return record


def find_background_damage(store: Store, number: int) -> str | None:
    """What is wrong with a part of the background on disk, None if it is done and whole."""
    try:
        return find_change(store, background_counts(number), unseal(store.read(background_record(number))))
    except FileNotFoundError:
        return f"{background_record(number)} is missing"
    except (ValueError, KeyError, TypeError):
        return f"{background_record(number)} is damaged"


def publish_background(context: PartContext) -> None:
    """Add up all parts of the background, which are done, as the BACKGROUND file that p-values are looked up in."""
    store, plan, rules = context.store, context.plan, context.table.rules
    counts = add_counts(store.local(background_counts(number)) for number in range(len(plan.background)))
    scratch = store.scratch(BACKGROUND)
    metadata = {"mirscan": plan.identity["mirscan"], "model": plan.settings.model, "shuffles": str(plan.settings.background)}
    keys = Keys(len(context.mirnas), len(rules))
    write_background(counts, keys, context.mirnas.names, list(rules), plan.settings.is_scored, scratch, metadata)
    store.publish(scratch, BACKGROUND)


def shuffle_transcripts(
    transcriptome: Transcriptome, rows: np.ndarray, draws: range, seed: int, coding: CodingRegions | None = None
) -> Transcriptome:
    """The transcripts `rows` (n,) once for each draw, shuffled anew in each: all of the first draw, then all of the second.

    Where coding sequences are known, 5'UTR, CDS and 3'UTR are shuffled apart. A circle's junction counts as neighbours, too. A shuffle
    follows from `seed`, the place of its transcript and the draw.
    """
    tiled = np.tile(rows, len(draws))
    shuffled = transcriptome.take(tiled)
    bounds = [shuffled.begin, shuffled.end + (1 if shuffled.margin else 0)]
    if coding is not None:
        bounds[1:1] = [shuffled.begin + coding.start[tiled], shuffled.begin + coding.end[tiled]]
    seeds = _mix(seed, tiled, np.repeat(np.arange(draws.start, draws.stop), len(rows)))
    shuffle_in_place(shuffled.codes, np.stack(bounds, axis=1), seeds)
    if shuffled.margin:
        _close_circles(shuffled)
    return shuffled


def _close_circles(transcriptome: Transcriptome) -> None:
    """Write the letters beside each circle anew, which are its own."""
    margin = transcriptome.margin
    for begin, end in zip(transcriptome.begin.tolist(), transcriptome.end.tolist(), strict=True):
        letters = transcriptome.codes[begin:end].copy()
        transcriptome.codes[begin - margin : end + margin] = letters[np.arange(-margin, len(letters) + margin) % max(len(letters), 1)]


def _mix(seed: int, rows: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Seeds (n,) uint32 that differ for neighbouring numbers in all bits (the finalizer of Steele et al. 2014, SplitMix64)."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + (rows.astype(np.uint64) << np.uint64(32)) + draws.astype(np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z >> np.uint64(32)).astype(np.uint32)


def _rounds(n_draws: int, bases: int) -> Iterator[range]:
    """All draws in rounds that fit in memory."""
    step = max(1, _MOST_BASES // max(bases, 1))
    return (range(first, min(first + step, n_draws)) for first in range(0, n_draws, step))


def _count_shuffles(context: PartContext, rows: np.ndarray, draws: range, counts: Counts) -> int:
    """Scan shuffles of these transcripts, add their sites and pairs to `counts`, and return how many sites there were."""
    if not len(rows):
        return 0
    settings, rules = context.plan.settings, context.table.rules
    tiled, keys = np.tile(rows, len(draws)), Keys(len(context.mirnas), len(rules))
    shuffled = shuffle_transcripts(context.transcriptome, rows, draws, settings.background_seed, context.coding)
    aggregator = _aggregator(context, shuffled, tiled)
    part = Part(0, len(tiled), shuffled.n_bases, 0, int(shuffled.lengths[-1]))
    n_sites = 0
    for candidates in find_candidates(context, part, _take_regions(context.regions, tiled), shuffled):
        places = places_of(candidates, score_batch(candidates, shuffled, context.mirnas, context.scorer)["score"])
        is_site = choose_sites(places, rules, settings)
        level = np.where(is_site, site_levels(places.score, places.seed, len(rules), settings.is_scored), 0)
        counts.add(keys.of_sites(places.mirna, places.seed, level))
        kept = Places(*(column[is_site] for column in places))
        _count_pairs(aggregator.add(*kept), context.strata.stratum[tiled], keys, counts)
        n_sites += int(is_site.sum())
    _count_pairs(aggregator.finish(), context.strata.stratum[tiled], keys, counts)
    return n_sites


def _aggregator(context: PartContext, shuffled: Transcriptome, rows: np.ndarray) -> GeneAggregator:
    """Of pairs on shuffled transcripts, each a gene of its own."""
    names = GeneNames(
        shuffled.names, np.arange(len(rows)), shuffled.names, shuffled.symbols, pa.array(context.mirnas.names), context.table.rules
    )
    return make_aggregator(context, names, shuffled, rows)


def _count_pairs(genes: pa.RecordBatch, stratum: np.ndarray, keys: Keys, counts: Counts) -> None:
    transcript, mirna = (genes[name].indices.to_numpy() for name in ("transcript", "mirna"))
    counts.add(keys.of_pairs(stratum[transcript], mirna, levels_of(strength_of(genes))))


def _take_regions(regions: Regions | None, rows: np.ndarray) -> Regions | None:
    """Where to scan on the transcripts at these positions (n,)."""
    if regions is None:
        return None
    sizes = np.diff(regions.first)[rows]
    first = np.concatenate(([0], np.cumsum(sizes)))
    taken = np.repeat(regions.first[rows] - first[:-1], sizes) + np.arange(first[-1])
    return replace(regions, first=first, starts=regions.starts[taken], ends=regions.ends[taken])
