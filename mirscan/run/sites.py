"""CANDIDATES -> SITES, batch by batch, with the counts a part keeps."""

import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from mirscan.genes.significance import Null, site_levels
from mirscan.genes.site_features import Places
from mirscan.genome.conservation import BaseValues
from mirscan.genome.projection import Projection, place_columns
from mirscan.run.plan import Part
from mirscan.run.settings import ACCESSIBILITY, ENERGY, ScanSettings
from mirscan.search.filters import keep_strongest
from mirscan.sequence.coding import REGIONS, CodingRegions
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.tables import CONSERVATION, SITE_ACCESSIBILITY
from mirscan.windows import WindowLayout, fit_mirnas, gather_windows

WINDOWS_SCHEMA = pa.schema([("transcript", pa.int32()), ("mirna", pa.int32()), ("n_windows", pa.int32())])


def score_batch(candidates: pa.RecordBatch, transcriptome: Transcriptome, mirnas: MirnaSet, scorer) -> dict[str, pa.Array]:
    """Scores of candidates and the bounds of their windows, all null without a scorer."""
    n = len(candidates)
    if scorer is None:
        return {"score": pa.nulls(n, pa.float32()), "window_start": pa.nulls(n, pa.int32()), "window_end": pa.nulls(n, pa.int32())}
    from mirscan.scoring import score_candidates

    scored = score_candidates(candidates, transcriptome, mirnas, scorer)
    return {name: scored[name].combine_chunks() for name in ("score", "window_start", "window_end")}


def whole_transcripts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of candidates cut anew, so that each holds all candidates of its transcripts."""
    held: list[pa.RecordBatch] = []
    for batch in filter(len, batches):
        transcript = batch["transcript"].indices.to_numpy()
        # The last transcript may go on in the next batch.
        last = int(np.searchsorted(transcript, transcript[-1]))
        if last or (held and held[-1]["transcript"].indices[-1].as_py() != transcript[-1]):
            yield pa.concat_batches([*held, batch.slice(0, last)])
            held = []
        held.append(batch.slice(last))
    if held:
        yield pa.concat_batches(held)


def places_of(candidates: pa.RecordBatch, score: pa.Array) -> Places:
    """Candidates with their scores as arrays."""
    names = (candidates[name].indices.to_numpy() for name in ("transcript", "mirna"))
    ends = (candidates[name].to_numpy() for name in ("start", "end"))
    return Places(*names, *ends, candidates["seed"].indices.to_numpy(), score.to_numpy(zero_copy_only=False))


def choose_sites(places: Places, rules: Sequence[str], settings: ScanSettings) -> np.ndarray:
    """Which candidates (n,) become sites by their scores."""
    # Null, which a prefilter leaves, is below every score.
    is_site = places.score >= np.float32(settings.min_score) if settings.drops_rows else np.ones(len(places.score), bool)
    if settings.joins_overlaps:
        is_site &= keep_strongest(*places, rules)
    return is_site


class SiteBuilder:
    """Scores batches of candidates of one part, drops what the settings do not want, and counts.

    Name columns of the result carry the names of the part's transcripts only, so its dictionaries stay small.
    """

    def __init__(
        self,
        transcriptome: Transcriptome,
        mirnas: MirnaSet,
        schema: pa.Schema,
        part: Part,
        settings: ScanSettings,
        scorer=None,
        projection: Projection | None = None,
        coding: CodingRegions | None = None,
        null: Null | None = None,
        conservation: BaseValues | None = None,
    ):
        self._null = null
        self._projection, self._coding, self._conservation = projection, coding, conservation
        self._transcriptome, self._mirnas, self._schema = transcriptome, mirnas, schema
        self._first, self._settings, self._scorer = part.first, settings, scorer
        genes = transcriptome.genes.slice(part.first, part.last - part.first).dictionary_encode()
        self._gene_of_transcript = genes.indices.to_numpy()
        self._names = {
            "transcript": transcriptome.names.slice(part.first, part.last - part.first),
            "gene": genes.dictionary,
            "mirna": pa.array(mirnas.names),
        }
        self._regions = transcriptome.regions.dictionary_encode() if "region" in schema.names else None
        self._cut = part.cut_transcripts(transcriptome.lengths)
        self._n_candidates = 0
        self._of_mirnas = np.zeros(len(mirnas), np.int64)
        self._score_seconds = 0.0
        self._n_by_seed: dict[str, int] = {}
        self._considered: list[np.ndarray] = []
        self._kept: list[np.ndarray] = []

    def build(self, candidates: pa.RecordBatch) -> pa.RecordBatch:
        """The SITES rows of a batch."""
        self._n_candidates += len(candidates)
        if self._null is not None:
            self._of_mirnas += np.bincount(candidates["mirna"].indices.to_numpy(), minlength=len(self._of_mirnas))
        started = time.monotonic()
        scores = score_batch(candidates, self._transcriptome, self._mirnas, self._scorer)
        self._score_seconds += time.monotonic() - started
        if self._settings.drops_rows:
            is_kept = self._choose(candidates, scores["score"])
            candidates, scores = candidates.filter(is_kept), {name: column.filter(is_kept) for name, column in scores.items()}
        transcript = candidates["transcript"].indices.to_numpy() - np.int32(self._first)
        columns = {name: candidates[name] for name in candidates.schema.names if name in self._schema.names} | scores
        columns |= {
            "transcript": pa.DictionaryArray.from_arrays(transcript, self._names["transcript"]),
            "gene": pa.DictionaryArray.from_arrays(self._gene_of_transcript[transcript], self._names["gene"]),
            "mirna": pa.DictionaryArray.from_arrays(candidates["mirna"].indices, self._names["mirna"]),
        }
        if ENERGY in self._schema.names:
            columns[ENERGY] = pa.array(self._energies(candidates))
        if ACCESSIBILITY in self._settings.features:
            columns |= self._accessibility(candidates)
        columns |= self._places(candidates) | self._conserved(candidates) | self._significance(candidates, scores["score"])
        if self._coding is not None:
            regions = self._coding.regions_of(candidates["transcript"].indices.to_numpy(), candidates["start"].to_numpy())
            columns["region"] = pa.DictionaryArray.from_arrays(regions, pa.array(REGIONS))
        batch = pa.record_batch([columns[name] for name in self._schema.names], schema=self._schema)
        self._count_seeds(batch)
        return batch

    def counts(self) -> dict:
        """Candidates, sites by rule, and the seconds spent on scores; with a background the candidates of each miRNA, all of them tests."""
        counts = {"candidates": self._n_candidates, "by_seed": self._n_by_seed, "score_seconds": round(self._score_seconds, 3)}
        return counts if self._null is None else {**counts, "candidates_of_mirnas": self._of_mirnas.tolist()}

    def windows(self) -> pa.Table:
        """Candidates before the filter of each transcript and miRNA (indices) of which a site is left, in that order.

        Of a transcript that is cut, all: the site that is left may lie in another part.
        """
        n_mirnas = len(self._mirnas)
        pairs, counts = np.unique(np.concatenate([*self._considered, np.empty(0, np.int64)]), return_counts=True)
        is_left = np.isin(pairs, np.concatenate([*self._kept, np.empty(0, np.int64)])) | np.isin(pairs // n_mirnas, self._cut)
        pairs, counts = pairs[is_left], counts[is_left]
        return pa.table([*(part.astype(np.int32) for part in (pairs // n_mirnas, pairs % n_mirnas, counts))], schema=WINDOWS_SCHEMA)

    def _places(self, candidates: pa.RecordBatch) -> dict[str, pa.Array]:
        """The columns of GENOME_PLACE, where places on a genome are known."""
        if self._projection is None:
            return {}
        transcript = candidates["transcript"].indices.to_numpy()
        columns = place_columns(self._projection, transcript, candidates["start"].to_numpy(), candidates["end"].to_numpy())
        if self._regions is not None:
            columns["region"] = self._regions.take(pa.array(transcript))
        return columns

    def _conserved(self, candidates: pa.RecordBatch) -> dict[str, pa.Array]:
        """The column of CONSERVATION, where a track of it is given."""
        if self._conservation is None:
            return {}
        transcript, start, end = candidates["transcript"].indices, candidates["start"], candidates["end"]
        means = self._conservation.means(*(column.to_numpy() for column in (transcript, start, end)))
        return {CONSERVATION.name: pa.array(means, from_pandas=True)}

    def _significance(self, candidates: pa.RecordBatch, score: pa.Array) -> dict[str, pa.Array]:
        """p-values where a background ran; q-values take the sites of all parts."""
        if self._null is None:
            return {}
        values, seed = score.to_numpy(zero_copy_only=False), candidates["seed"]
        level = site_levels(values, seed.indices.to_numpy(), len(seed.dictionary), self._settings.is_scored)
        p = self._null.p_values(candidates["mirna"].indices.to_numpy(), level)
        return {"p_value": pa.array(p), "q_value": pa.nulls(len(p), pa.float32())}

    def _energies(self, candidates: pa.RecordBatch) -> np.ndarray:
        from mirscan.duplex import duplex_energies

        layout = WindowLayout() if self._scorer is None else self._scorer.layout
        transcript = candidates["transcript"].indices.to_numpy()
        anchor = self._transcriptome.begin[transcript] + candidates["anchor"].to_numpy()
        targets = gather_windows(self._transcriptome.codes, *self._transcriptome.bounds(transcript), anchor, layout)
        return duplex_energies(fit_mirnas(self._mirnas.codes, layout)[candidates["mirna"].indices.to_numpy()], targets)

    def _accessibility(self, candidates: pa.RecordBatch) -> dict[str, pa.Array]:
        from mirscan.accessibility import site_accessibility

        transcript, anchor = candidates["transcript"].indices.to_numpy(), candidates["anchor"].to_numpy()
        values = site_accessibility(self._transcriptome, transcript, anchor)
        return {column.name: pa.array(row) for column, row in zip(SITE_ACCESSIBILITY, values, strict=True)}

    def _choose(self, candidates: pa.RecordBatch, score: pa.Array) -> pa.Array:
        """Which candidates become sites; counts the pairs of all, and notes the pairs of these."""
        places = places_of(candidates, score)
        is_kept = choose_sites(places, candidates["seed"].dictionary.to_pylist(), self._settings)
        pairs = places.transcript.astype(np.int64) * len(self._mirnas) + places.mirna
        self._considered.append(pairs)
        self._kept.append(np.unique(pairs[is_kept]))
        return pa.array(is_kept)

    def _count_seeds(self, batch: pa.RecordBatch) -> None:
        seeds = batch["seed"]
        counts = np.bincount(seeds.indices.to_numpy(), minlength=len(seeds.dictionary))
        for name, count in zip(seeds.dictionary.to_pylist(), counts.tolist(), strict=True):
            self._n_by_seed[name] = self._n_by_seed.get(name, 0) + count
