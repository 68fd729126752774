"""Candidate sites as Arrow batches: bounded memory, one order, whatever the number of threads."""

import os
from collections.abc import Iterator, Sequence

import pyarrow as pa

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.search.features import FEATURES
from mirscan.search.filters import Regions, read_regions
from mirscan.search.stream import Part, count_range, new_scan, split_windows, stream_parts
from mirscan.seeds.rules import GROUPS, read_rules
from mirscan.seeds.table import SeedTable, compile_seed_table
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.tables import CANDIDATES

BATCH_ROWS = 1 << 20
# Anchors may lie past the end, by less than a miRNA.
MAX_TRANSCRIPT = 2**31 - 64


def iter_candidates(
    transcriptome: Transcriptome,
    mirnas: MirnaSet,
    seeds: str | Sequence[str] | SeedTable = GROUPS["canonical"],
    first: int = 0,
    last: int | None = None,
    start: int = 0,
    stop: int | None = None,
    batch_rows: int = BATCH_ROWS,
    threads: int = 1,
    mask_start: int = 0,
    min_distance: int = 0,
    regions: str | os.PathLike | Regions | None = None,
    features: Sequence[str] = (),
    all_types: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Candidate sites of transcripts first..last (half-open; all by default) as CANDIDATES batches of at most `batch_rows` rows.

    seeds: rules by name, group or TOML file, or a table compiled from them for these miRNAs (`compile_seed_table`), for callers who come
    again. A place counts once, as its strongest type; with `all_types` every type it satisfies is kept.

    Of the first transcript sites count that start at nt `start` or behind, of the last those that start before `stop` (its end by default).
    Rows are ordered by (transcript, start, miRNA, strength of the rule, anchor). Neither `batch_rows` nor `threads` changes them.
    Indices of the dictionary columns `transcript` and `mirna` point into all names of the transcriptome and of `mirnas`, those of
    `gene` into its distinct genes in order of appearance.

    mask_start: the first letters of a transcript are hidden from the search; 14 reproduces TargetScan 7, which masks the ribosome's
    shadow. regions: all letters outside the intervals of this BED file are hidden. What is left of a match that reaches into hidden
    letters counts as the weaker site it then is; features see all letters. min_distance: no two sites of a miRNA on a
    transcript start closer than this, in nt; the stronger rule wins, then the more 5' site. features: extra columns out of `FEATURES`,
    computed on the sites that are kept.

    Raises InputError where a table was compiled for another number of miRNAs, for a transcript of 2**31 nt, for numbers out of range,
    where a transcript is cut although min_distance or previous_distance need whole ones, for unknown features, and as `read_regions`
    does.

    >>> transcriptome = ms.read_transcriptome("examples/utrs.fa.gz")
    >>> mirnas = ms.read_mirnas("examples/mirnas.fa")
    >>> [len(batch) for batch in ms.iter_candidates(transcriptome, mirnas, seeds="8mer,7mer-m8", batch_rows=500)]
    [499, 497, 141]
    """
    table = seeds if isinstance(seeds, SeedTable) else compile_seed_table(read_rules(seeds), mirnas, all_types)
    _check(transcriptome, mirnas, table, batch_rows, mask_start, min_distance, features)
    first, last = _transcript_range(transcriptome, first, last)
    if regions is not None and not isinstance(regions, Regions):
        regions = read_regions(regions, transcriptome)
    wanted = tuple(name for name in FEATURES if name in features)
    looks_back = min_distance > 0 or "previous_distance" in wanted
    places = _codes_range(transcriptome, looks_back, first, last, start, stop)
    scan = new_scan(transcriptome, mirnas, table, batch_rows, places, mask_start, regions, min_distance, wanted)
    make_batch = _batch_maker(transcriptome, mirnas, table, wanted)
    # A generator of its own, so that the checks above speak when this function is called, not when the first batch is asked for.
    return (make_batch(part) for part in stream_parts(scan, split_windows(scan, *places), threads))


def find_candidates(
    transcriptome: Transcriptome,
    mirnas: MirnaSet,
    seeds: str | Sequence[str] = GROUPS["canonical"],
    all_types: bool = False,
    features: Sequence[str] = (),
    **options,
) -> pa.Table:
    """All candidate sites as one CANDIDATES table; everything as in `iter_candidates`.

    >>> transcriptome = ms.transcriptome_from_sequences(["T1"], ["GGCTACCTCAGG"])
    >>> mirnas = ms.mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
    >>> ms.find_candidates(transcriptome, mirnas).select(["transcript", "start", "end", "seed"]).to_pylist()
    [{'transcript': 'T1', 'start': 2, 'end': 10, 'seed': '8mer'}]
    """
    batches = iter_candidates(transcriptome, mirnas, seeds, features=features, all_types=all_types, **options)
    return pa.Table.from_batches(batches, schema=CANDIDATES.schema(optional=tuple(features)))


def count_candidates(transcriptome: Transcriptome, table: SeedTable, first: int = 0, last: int | None = None) -> int:
    """Number of candidate sites on transcripts first..last without filters, at a third of the cost of finding them.

    Exact for rules that lie within 10 nt of each other; where the scan itself resolves overlaps (`centered` beside seed types), a
    place counts once for either.
    """
    return count_range(transcriptome, table, *_transcript_range(transcriptome, first, last))


def _check(transcriptome, mirnas, table, batch_rows, mask_start, min_distance, features) -> None:
    if table.n_mirnas != len(mirnas):
        raise InputError(f"seed table was compiled for {counted(table.n_mirnas, 'miRNA')}; expected the {len(mirnas):,} given")
    for name, value, least in (("batch_rows", batch_rows, 1), ("mask_start", mask_start, 0), ("min_distance", min_distance, 0)):
        if value < least:
            raise InputError(f"{name} {value}; expected {least} or more")
    longest = int(transcriptome.lengths.max(initial=0))
    if longest > MAX_TRANSCRIPT:
        name = transcriptome.names[int(transcriptome.lengths.argmax())].as_py()
        raise InputError(f"transcript {name!r} has {longest:,} nt; expected at most {MAX_TRANSCRIPT:,}, what 32-bit positions can name")
    for name in features:
        if name not in FEATURES:
            raise InputError(f"feature {name!r} is unknown; expected {', '.join(FEATURES)}")


def _transcript_range(transcriptome: Transcriptome, first: int, last: int | None) -> tuple[int, int]:
    last = len(transcriptome) if last is None else last
    if not 0 <= first <= last <= len(transcriptome):
        raise InputError(f"transcripts {first} to {last}; expected a range inside 0 to {len(transcriptome)}")
    return first, last


def _codes_range(transcriptome: Transcriptome, looks_back: bool, first: int, last: int, start: int, stop: int | None) -> tuple[int, int]:
    """Range of the packed codes where sites may start."""
    if first == last:
        return 0, 0
    lengths = transcriptome.lengths
    stop = int(lengths[last - 1]) if stop is None else stop
    if not (0 <= start <= lengths[first] and 0 <= stop <= lengths[last - 1]):
        raise InputError(
            f"start {start} and stop {stop}; expected places on transcripts of {lengths[first]:,} and {lengths[last - 1]:,} nt"
        )
    if looks_back and (start, stop) != (0, lengths[last - 1]):
        raise InputError("start and stop cut a transcript; min_distance and previous_distance need whole ones")
    return int(transcriptome.begin[first]) + start, int(transcriptome.begin[last - 1]) + stop


def _batch_maker(transcriptome: Transcriptome, mirnas: MirnaSet, table: SeedTable, features: tuple[str, ...]):
    """A function from rows and features to a RecordBatch; all batches share their dictionaries."""
    schema = CANDIDATES.schema(optional=features)
    genes = transcriptome.genes.dictionary_encode()
    values = {"transcript": transcriptome.names, "mirna": pa.array(mirnas.names, pa.string()), "seed": pa.array(table.rules, pa.string())}

    def make_batch(part: Part) -> pa.RecordBatch:
        rows, extra = part
        columns = {name: pa.array(column) for name, column in (rows._asdict() | extra).items()}
        columns["gene"] = pa.DictionaryArray.from_arrays(genes.indices.take(columns["transcript"]), genes.dictionary, safe=False)
        for name, names in values.items():
            columns[name] = pa.DictionaryArray.from_arrays(columns[name], names, safe=False)
        return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)

    return make_batch
