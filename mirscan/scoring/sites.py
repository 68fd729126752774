"""CANDIDATES -> SITES, and scores of pairs at hand: the public functions for whoever works in memory."""

import os
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from mirscan.scoring.cascade import CascadeScorer
from mirscan.scoring.loading import load_scorer
from mirscan.scoring.scorer import Scorer
from mirscan.search.filters import keep_strongest
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.tables import SITES
from mirscan.trained_models import TrainedModel
from mirscan.windows import encode_pairs, fit_mirnas, gather_windows, window_bounds

# Windows in memory at once: 250,000 are 20 MB, and enough that each miRNA comes many times.
_ROWS = 1 << 18

Model = str | os.PathLike | TrainedModel | Scorer | CascadeScorer


def score_candidates(
    candidates: pa.Table | pa.RecordBatch, transcriptome: Transcriptome, mirnas: MirnaSet, model: Model = "base"
) -> pa.Table:
    """SITES of CANDIDATES, row for row, with calibrated scores (null where a prefilter cut the pair) and the bounds of the windows.

    `candidates` as from `find_candidates` on the same `transcriptome` and `mirnas`, feature columns included; `model` a name, a folder,
    "duplex", a loaded model or a Scorer. Raises ModelError for the model, MirscanError for scores that are not finite.

    >>> transcriptome = ms.transcriptome_from_sequences(["T1"], ["GG" * 20 + "CTACCTCA" + "GG" * 20])
    >>> mirnas = ms.mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
    >>> sites = ms.score_candidates(ms.find_candidates(transcriptome, mirnas), transcriptome, mirnas, model="duplex")
    >>> sites.select(["start", "seed", "window_start", "window_end"]).to_pylist()
    [{'start': 40, 'seed': '8mer', 'window_start': 13, 'window_end': 63}]
    """
    scorer = model if isinstance(model, Scorer | CascadeScorer) else load_scorer(model)
    table = pa.Table.from_batches([candidates]) if isinstance(candidates, pa.RecordBatch) else candidates
    metadata = {"model": scorer.card.name, "scores_sha256": scorer.card.scores_sha256}
    schema = SITES.schema(metadata, optional=tuple(name for name in table.column_names if name in _FEATURES))
    batches = [_score_batch(batch, transcriptome, mirnas, scorer, schema) for batch in table.to_batches(max_chunksize=_ROWS)]
    return pa.Table.from_batches(batches, schema=schema)


def strongest_sites(sites: pa.Table) -> pa.Table:
    """SITES less those that overlap a stronger one of their miRNA, as a scan with a model reports them; in the order of a scan.

    Canonical sites all stay; of others such as overlap none of these and nothing with a higher score that stays.

    >>> transcriptome = ms.transcriptome_from_sequences(["T1"], ["GG" * 20 + "CTACCTCCA" + "GG" * 20])
    >>> mirnas = ms.mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
    >>> candidates = ms.find_candidates(transcriptome, mirnas, seeds="relaxed")
    >>> sites = ms.score_candidates(candidates, transcriptome, mirnas, model="duplex")
    >>> len(sites), ms.strongest_sites(sites)["seed"].to_pylist()
    (2, ['7mer-m8'])
    """
    whole = sites.combine_chunks()
    codes = {name: whole[name].combine_chunks() for name in ("transcript", "mirna", "seed")}
    transcript, mirna, seed = (column.indices.to_numpy() for column in codes.values())
    start, end, score = (whole[name].to_numpy() for name in ("start", "end", "score"))
    return whole.filter(pa.array(keep_strongest(transcript, mirna, start, end, seed, score, codes["seed"].dictionary.to_pylist())))


def score_pairs(mirna_sequences: Sequence[str], target_sequences: Sequence[str], model: Model = "base") -> np.ndarray:
    """Calibrated scores (n,) float32 of miRNAs and target windows given as letters, both 5'->3'.

    A window of another length than the model's keeps its middle. Raises InputError for letters outside IUPAC or unequal numbers.

    >>> bound, unbound = "GG" * 10 + "CTACCTCA" + "GG" * 11, "GG" * 25
    >>> scores = ms.score_pairs(["UGAGGUAGUAGGUUGUAUAGUU"] * 2, [bound, unbound], model="fast")
    >>> bool(scores[0] > scores[1])
    True
    """
    scorer = model if isinstance(model, Scorer | CascadeScorer) else load_scorer(model)
    return scorer.score(*encode_pairs(mirna_sequences, target_sequences, scorer.layout))


_FEATURES = tuple(column.name for column in SITES.optional)


def _score_batch(batch: pa.RecordBatch, transcriptome: Transcriptome, mirnas: MirnaSet, scorer, schema: pa.Schema) -> pa.RecordBatch:
    transcript = batch["transcript"].indices.to_numpy()
    begin, (low, high) = transcriptome.begin[transcript], transcriptome.bounds(transcript)
    anchor = batch["anchor"].to_numpy().astype(np.int64)
    targets = gather_windows(transcriptome.codes, low, high, begin + anchor, scorer.layout)
    mirna_codes = fit_mirnas(mirnas.codes, scorer.layout)[batch["mirna"].indices.to_numpy()]
    window_start, window_end = window_bounds(anchor, low - begin, high - begin, scorer.layout)
    columns = {name: batch[name] for name in schema.names if name in batch.schema.names}
    columns |= {
        # NaN marks pairs that a prefilter cut
        "score": pa.array(scorer.score(mirna_codes, targets), from_pandas=True),
        "window_start": pa.array(window_start.astype(np.int32)),
        "window_end": pa.array(window_end.astype(np.int32)),
    }
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)
