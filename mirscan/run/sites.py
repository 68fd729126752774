"""CANDIDATES -> SITES, batch by batch, with the counts a part keeps."""

import time

import numpy as np
import pyarrow as pa

from mirscan.run.settings import ENERGY
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.windows import WindowLayout, fit_mirnas, gather_windows

WINDOWS_SCHEMA = pa.schema([("transcript", pa.int32()), ("mirna", pa.int32()), ("n_windows", pa.int32())])


class SiteBuilder:
    """Scores batches of candidates of transcripts `first` to `last`, drops what is below `min_score`, and counts.

    Name columns of the result carry the names of these transcripts only, so a part's dictionaries stay small.
    """

    def __init__(
        self, transcriptome: Transcriptome, mirnas: MirnaSet, schema: pa.Schema, first: int, last: int, scorer=None, min_score: float = 0.0
    ):
        self._transcriptome, self._mirnas, self._schema = transcriptome, mirnas, schema
        self._first, self._scorer, self._min_score = first, scorer, min_score
        genes = transcriptome.genes.slice(first, last - first).dictionary_encode()
        self._gene_of_transcript = genes.indices.to_numpy()
        self._names = {
            "transcript": transcriptome.names.slice(first, last - first),
            "gene": genes.dictionary,
            "mirna": pa.array(mirnas.names),
        }
        self._n_candidates = 0
        self._score_seconds = 0.0
        self._n_by_seed: dict[str, int] = {}
        self._considered: list[np.ndarray] = []
        self._kept: list[np.ndarray] = []

    def build(self, candidates: pa.RecordBatch) -> pa.RecordBatch:
        """The SITES rows of a batch."""
        self._n_candidates += len(candidates)
        score, window_start, window_end = self._score(candidates)
        columns = {name: candidates[name] for name in candidates.schema.names if name in self._schema.names}
        transcript = candidates["transcript"].indices.to_numpy() - np.int32(self._first)
        if ENERGY in self._schema.names:
            columns[ENERGY] = pa.array(self._energies(candidates))
        columns |= {
            "transcript": pa.DictionaryArray.from_arrays(transcript, self._names["transcript"]),
            "gene": pa.DictionaryArray.from_arrays(self._gene_of_transcript[transcript], self._names["gene"]),
            "mirna": pa.DictionaryArray.from_arrays(candidates["mirna"].indices, self._names["mirna"]),
            "score": score,
            "window_start": window_start,
            "window_end": window_end,
        }
        batch = pa.record_batch([columns[name] for name in self._schema.names], schema=self._schema)
        if self._min_score:
            batch = self._filter(candidates, batch)
        self._count_seeds(batch)
        return batch

    def counts(self) -> dict:
        """Candidates, sites by rule, and the seconds spent on scores."""
        return {"candidates": self._n_candidates, "by_seed": self._n_by_seed, "score_seconds": round(self._score_seconds, 3)}

    def windows(self) -> pa.Table:
        """Candidates before the filter of each transcript and miRNA (indices) of which a site is left, in that order."""
        n_mirnas = len(self._mirnas)
        pairs, counts = np.unique(np.concatenate([*self._considered, np.empty(0, np.int64)]), return_counts=True)
        is_left = np.isin(pairs, np.concatenate([*self._kept, np.empty(0, np.int64)]))
        pairs, counts = pairs[is_left], counts[is_left]
        return pa.table([*(part.astype(np.int32) for part in (pairs // n_mirnas, pairs % n_mirnas, counts))], schema=WINDOWS_SCHEMA)

    def _score(self, candidates: pa.RecordBatch) -> tuple[pa.Array, pa.Array, pa.Array]:
        n = len(candidates)
        if self._scorer is None:
            return pa.nulls(n, pa.float32()), pa.nulls(n, pa.int32()), pa.nulls(n, pa.int32())
        from mirscan.scoring import score_candidates

        started = time.monotonic()
        scored = score_candidates(candidates, self._transcriptome, self._mirnas, self._scorer).combine_chunks()
        self._score_seconds += time.monotonic() - started
        return tuple(scored[name].combine_chunks() for name in ("score", "window_start", "window_end"))

    def _energies(self, candidates: pa.RecordBatch) -> np.ndarray:
        from mirscan.duplex import duplex_energies

        layout = WindowLayout() if self._scorer is None else self._scorer.layout
        transcript = candidates["transcript"].indices.to_numpy()
        begin, end = self._transcriptome.begin[transcript], self._transcriptome.end[transcript]
        targets = gather_windows(self._transcriptome.codes, begin, end, begin + candidates["anchor"].to_numpy(), layout)
        return duplex_energies(fit_mirnas(self._mirnas.codes, layout)[candidates["mirna"].indices.to_numpy()], targets)

    def _filter(self, candidates: pa.RecordBatch, batch: pa.RecordBatch) -> pa.RecordBatch:
        is_kept = batch["score"].to_numpy() >= np.float32(self._min_score)
        pairs = candidates["transcript"].indices.to_numpy().astype(np.int64) * len(self._mirnas) + candidates["mirna"].indices.to_numpy()
        self._considered.append(pairs)
        self._kept.append(np.unique(pairs[is_kept]))
        return batch.filter(pa.array(is_kept))

    def _count_seeds(self, batch: pa.RecordBatch) -> None:
        seeds = batch["seed"]
        counts = np.bincount(seeds.indices.to_numpy(), minlength=len(seeds.dictionary))
        for name, count in zip(seeds.dictionary.to_pylist(), counts.tolist(), strict=True):
            self._n_by_seed[name] = self._n_by_seed.get(name, 0) + count
