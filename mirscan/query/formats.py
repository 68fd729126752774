"""A table of answers for a terminal, as TSV, BED, Parquet or JSON; a file appears whole or not at all."""

import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from mirscan.errors import InputError
from mirscan.store.scratch import ScratchFolder
from mirscan.tables import SITES, text_rows

_LIST_OF_BLOCKS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))
_BLOCKS = """array_to_string([block.start || '-' || block."end" FOR block IN {name}], ',') AS {name}"""
_ANY = "{name}::VARCHAR AS {name}"
# Where the thick part of BED12 begins and ends: the A of a site, its last base, is thin, also where it has a block of its own.
_THICK = """
    CASE WHEN strand = '+' OR seed NOT IN ({with_a}) THEN genome_start
    WHEN blocks[1]."end" - blocks[1].start = 1 THEN blocks[2].start ELSE genome_start + 1 END,
    CASE WHEN strand = '-' OR seed NOT IN ({with_a}) THEN genome_end
    WHEN blocks[-1]."end" - blocks[-1].start = 1 THEN blocks[-2]."end" ELSE genome_end - 1 END"""
# Between columns of a table for people, and what a narrow terminal goes without, first what is missed least.
_GAP = "  "
_LESS = (
    "n_windows",
    "n_other",
    "window_start",
    "window_end",
    "percentile",
    "n_apart",
    "transcript",
    "n_6mer",
    "gene",
    "combined_score",
    "rank",
)
_BED_COLUMNS = ("transcript", "mirna", "seed", "start", "end", "score")


def render_text(table: pa.Table, width: int | None = None) -> Iterator[str]:
    """Lines for a terminal. What is the same in all rows stands once above the table, what is null in all is left out.

    Where the lines are longer than `width`, columns that matter less are left out and named.
    """
    table = _flat(table)
    columns = {name: [_shown(value) for value in column.to_pylist()] for name, column in zip(table.column_names, table, strict=True)}
    columns = {name: values for name, values in columns.items() if any(values)}
    if table.num_rows > 1:
        same = {name: values[0] for name, values in columns.items() if len(set(values)) == 1}
        if same:
            yield "all: " + ", ".join(f"{name} {value}" for name, value in same.items())
        columns = {name: values for name, values in columns.items() if name not in same}
    is_number = {field.name: not pa.types.is_string(field.type) for field in table.schema}
    widths = {name: max(map(len, (name, *values))) for name, values in columns.items()}
    if omitted := _too_many(widths, width):
        columns = {name: values for name, values in columns.items() if name not in omitted}
    for row in zip(*((name, *values) for name, values in columns.items()), strict=True):
        cells = zip(row, columns, strict=True)
        yield _GAP.join(cell.rjust(widths[name]) if is_number[name] else cell.ljust(widths[name]) for cell, name in cells).rstrip()
    if omitted:
        yield f"too wide for this terminal: {', '.join(omitted)}; --format tsv has all columns"


def _too_many(widths: dict[str, int], most: int | None) -> list[str]:
    """Columns to leave out, of those that matter less, so that lines are no longer than `most`."""
    omitted = []
    for name in _LESS:
        if most is None or sum(widths.values()) + len(_GAP) * (len(widths) - 1) <= most:
            break
        if name in widths:
            omitted.append(name)
            widths = {other: size for other, size in widths.items() if other != name}
    return omitted


def to_tsv(table: pa.Table) -> bytes:
    """Heading and rows; null is an empty field."""
    return ("\t".join(table.column_names) + "\n").encode() + text_rows(_flat(table))


def to_json(table: pa.Table) -> bytes:
    """A list of objects, one a line; null where there is no value."""
    return ("[" + ",\n ".join(_dump(row) for row in table.to_pylist()) + "]\n").encode()


def to_parquet(table: pa.Table) -> bytes:
    """As the run's own files, without their descriptions."""
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def to_bed(table: pa.Table) -> bytes:
    """Sites as BED like the run's own: BED12 on the genome where the run knows places there, else BED9 on the transcripts, as `write_bed`.

    Ordered by chromosome or transcript, then start. Raises InputError for a table that holds no sites.
    """
    if missing := [name for name in _BED_COLUMNS if name not in table.column_names]:
        raise InputError(f"BED needs sites, and this table has no column {missing[0]!r}; ask for --sites")
    if {"chrom", "genome_start", "genome_end", "strand", "blocks"} <= set(table.column_names):
        return _genome_bed(table)
    from mirscan.output.bed import write_bed

    schema = pa.schema([SITES.schema().field(name) for name in _BED_COLUMNS])
    ordered = table.select(_BED_COLUMNS).sort_by([("transcript", "ascending"), ("start", "ascending"), ("mirna", "ascending")])
    with closing(ScratchFolder()) as scratch:
        return write_bed(ordered.cast(schema), scratch.path / "sites.bed").read_bytes()


def _genome_bed(table: pa.Table) -> bytes:
    """BED12 lines: miRNA, rule and gene as the name, a block for each stretch of a site that a splice junction cuts."""
    from mirscan.output.bed import COLOURS, OTHER_COLOUR, WITH_A

    colours = " ".join(f"WHEN '{rule}' THEN '{colour}'" for rule, colour in COLOURS.items())
    thick = _THICK.format(with_a=", ".join(f"'{rule}'" for rule in sorted(WITH_A)))
    lines = _query_table(
        f"""SELECT chrom, genome_start, genome_end, mirna || '|' || seed || '|' || gene,
        coalesce(floor(score * 1000 + 0.5)::INT, 0), strand, {thick},
        CASE seed {colours} ELSE '{OTHER_COLOUR}' END, len(blocks),
        array_to_string([block."end" - block.start FOR block IN blocks], ','),
        array_to_string([block.start - genome_start FOR block IN blocks], ',')
        FROM rows ORDER BY chrom, genome_start, genome_end, mirna""",
        table,
    )
    return text_rows(lines)


def _flat(table: pa.Table) -> pa.Table:
    """The table with each list of blocks as text, start-end,start-end, and everything else that is nested as DuckDB writes it."""
    nested = {field.name: _BLOCKS if field.type == _LIST_OF_BLOCKS else _ANY for field in table.schema if pa.types.is_nested(field.type)}
    if not nested:
        return table
    texts = ", ".join(form.format(name=_quoted(name)) for name, form in nested.items())
    return _query_table(f"SELECT * REPLACE ({texts}) FROM rows", table)


def _quoted(name: str) -> str:
    """A column as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _dump(row: dict) -> str:
    """One object; JSON has no NaN, so that is null."""
    known = {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}
    return json.dumps(known, ensure_ascii=False, default=_plain)


def _plain(value):
    """What JSON has no type for: whole decimals, as sums are, as whole numbers, dates and the rest as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def _query_table(statement: str, table: pa.Table) -> pa.Table:
    """A SELECT over the table, as `rows`."""
    import duckdb

    with duckdb.connect() as connection:
        connection.register("rows", table)
        return connection.sql(statement).to_arrow_table()


def to_funmirbench(table: pa.Table) -> bytes:
    """Pairs in the TSV of the FuNmiRBench benchmark, the stronger the higher: predicted repression, else the combined score.

    Ensembl ids lose their versions; runs keep no accessions of miRNAs, so `miRNA_ID` repeats the name. Raises InputError for a table that
    holds no pairs or no score.
    """
    import pyarrow.compute as pc

    if missing := [name for name in ("gene", "symbol", "mirna", "combined_score") if name not in table.column_names]:
        raise InputError(f"funmirbench needs pairs of gene and miRNA, and this table has no column {missing[0]!r}; ask for --pairs")
    score = pc.negate(table["predicted_log2fc"]) if "predicted_log2fc" in table.column_names else table["combined_score"]
    if score.null_count:
        raise InputError("funmirbench needs a score for every pair, and this run has none; scan with a model")
    genes = pc.replace_substring_regex(table["gene"].cast(pa.string()), r"^(ENS[A-Z]*G\d+)\.\d+$", r"\1")
    mirna = table["mirna"].cast(pa.string())
    names = ("Ensembl_ID", "Gene_Name", "miRNA_ID", "miRNA_Name", "Score")
    return to_tsv(pa.table([genes, table["symbol"].cast(pa.string()), mirna, mirna, score], names=names))


FORMATS: dict[str, Callable[[pa.Table], bytes]] = {
    "tsv": to_tsv,
    "bed": to_bed,
    "parquet": to_parquet,
    "json": to_json,
    "funmirbench": to_funmirbench,
}


def format_of(path: str | os.PathLike) -> str:
    """The format that a file's name asks for; raises InputError for an ending that is none."""
    ending = Path(path).suffix.removeprefix(".")
    if ending not in FORMATS:
        raise InputError(f"--out {path}: ending not understood; expected one of {', '.join(f'.{name}' for name in FORMATS)}, or --format")
    return ending


def write_file(data: bytes, path: str | os.PathLike) -> None:
    """Write beside the path, then rename; straight into a device, a pipe or what a link names, which must stay, as /dev/stdout."""
    path = Path(path)
    is_replaced = not path.is_symlink() and (path.is_file() or not path.exists())
    temporary = path.with_name("writing." + path.name)
    try:
        if not is_replaced:
            # A reader such as `head` may have had enough.
            with suppress(BrokenPipeError):
                path.write_bytes(data)
            return
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}; expected a file in a folder you may write to") from None


def print_bytes(data: bytes) -> None:
    """To standard output, as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _shown(value) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
