"""Files of labelled (miRNA, target site) pairs -> one PAIRS table, whatever headings the study used."""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.sequence.alphabet import BYTE_CODES, INVALID, LETTERS
from mirscan.sequence.fasta import check_name
from mirscan.sequence.text import describe_letter, open_text
from mirscan.tables import PAIRS

# Headings by study, compared in lower case, the first that is present wins. `mirna` is last of its list: miRAW keeps the name there.
HEADINGS = {
    "mirna": ("noncodingrna", "mirna_seq", "mirna_sequence", "mirna"),
    "target": ("target_seq", "target_sequence", "site_seq", "site", "gene", "target"),
    "label": ("label", "teacher_permille", "target"),
    "mirna_name": ("noncodingrna_name", "mirna_name", "mirna"),
    "family": ("noncodingrna_fam", "mirna_family", "family"),
    "cluster": ("gene_cluster_id", "cluster"),
    "chromosome": ("chr", "chrom", "chromosome"),
    "weight": ("weight",),
    "split": ("split",),
}
UNDERSTOOD = (
    "noncodingRNA, gene, label (miRBench); miRNA, gene, label (miRBind, CLASH); mirna_seq, site_seq, label (miRAW); "
    "mirna, site, label (ENCORI); mirna, target, label (mirscan); target in 0-1 or teacher_permille for soft labels"
)
# What studies write where a miRNA belongs to no known family.
_NO_FAMILY = ("", "0", "-", ".", "unknown", "NA", "na", "nan")
_CLEAN_BYTES = bytes(ord(LETTERS[code]) if code != INVALID else byte for byte, code in enumerate(BYTE_CODES))
_LENGTHS = {"mirna": (8, 40), "target": (8, 10_000)}
# Losses are sums of weights in float32, which ends at 3e38.
MAX_WEIGHT = 1e9


def read_pairs(
    paths: str | Path | Iterable[str | Path], weights: Sequence[float] | None = None, assumed_label: float | None = None
) -> pa.Table:
    """PAIRS table of one or several TSV, CSV (both also packed) or Parquet files.

    Sequences come back in upper case with T for U and N for ambiguity codes; `source` says the file. The headings of miRBench,
    CLASH, miRBind, miRAW, ENCORI and mirscan are understood. `teacher_permille` (0-1000) and a numeric `target` column become soft
    labels in 0-1. `weights` gives one factor a file, multiplied into `weight`. `assumed_label` is that of files without such a column.

    Raises InputError naming file and line for missing columns, letters outside IUPAC, a miRNA outside 8-40 nt, or a label
    outside 0-1.
    """
    paths = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if not paths:
        raise InputError("no file of pairs was given")
    if weights is not None and len(weights) not in (0, len(paths)):
        raise InputError(f"{counted(len(weights), 'weight')} for {counted(len(paths), 'file')} of pairs; expected one a file")
    tables = [_read_file(path, weights[i] if weights else None, assumed_label) for i, path in enumerate(paths)]
    # A column that only some files have is null elsewhere, but a missing weight is 1.
    if any("weight" in table.column_names for table in tables):
        tables = [_with_weight(table) for table in tables]
        if not any(pc.max(table["weight"]).as_py() for table in tables):
            raise InputError(f"{', '.join(map(str, paths))}: every weight is 0 (or below 1e-45), so no pair counts; expected some above 0")
    return pa.concat_tables(tables, promote_options="default").replace_schema_metadata({"table": PAIRS.name})


def _read_file(path: Path, weight: float | None, assumed_label: float | None) -> pa.Table:
    raw = read_text_table(path, UNDERSTOOD)
    names = match_headings(path, raw, HEADINGS, PAIRS.names if assumed_label is None else ("mirna", "target"), UNDERSTOOD)
    columns = {role: _sequences(path, raw[names[role]], role) for role in ("mirna", "target")}
    if "label" in names:
        columns["label"] = _labels(path, raw[names["label"]], names["label"])
    else:
        columns["label"] = np.full(raw.num_rows, assumed_label, np.float32)
    for role in ("mirna_name", "family", "cluster", "chromosome", "split"):
        if role in names:
            columns[role] = pc.cast(raw[names[role]], pa.string())
    if "family" in columns:
        unknown = pc.is_in(columns["family"], pa.array(_NO_FAMILY))
        columns["family"] = pc.if_else(unknown, pa.scalar(None, pa.string()), columns["family"])
    columns["source"] = pa.DictionaryArray.from_arrays(pa.array(np.zeros(raw.num_rows, np.int32)), pa.array([path.name])).cast(pa.string())
    if "weight" in names or weight is not None:
        columns["weight"] = _weights(path, raw[names["weight"]] if "weight" in names else None, weight, raw.num_rows)
    return pa.table(columns)


def read_text_table(path: Path, understood: str) -> pa.Table:
    """A TSV or CSV, packed or not, with every column as text, or a Parquet file as it is; InputError where it cannot be read or has no
    row. `understood` says what headings are expected.

    Its heading says what separates the columns: tabs, commas or semicolons.
    """
    if path.is_fifo():
        raise InputError(f"{path}: is a pipe; expected a file, since lines with errors and its checksum are read again")
    try:
        table = _read_parquet(path) if path.suffix == ".parquet" and path.is_file() else _read_text(path, understood)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read as a table: {str(error).splitlines()[0]}; expected TSV, CSV (packed or not) in UTF-8, or Parquet"
        ) from error
    if not table.num_rows:
        raise InputError(f"{path}: headings {', '.join(table.column_names)} and no row; expected rows below headings: {understood}")
    return table


def _read_text(path: Path, understood: str) -> pa.Table:
    with open_text(path) as handle:
        delimiter, names = _read_heading(path, handle, understood)
        return _refuse_line_ends(path, _read_rows(path, handle, delimiter, names)) if handle.peek(1) else _no_rows(names)


def _read_parquet(path: Path) -> pa.Table:
    from pyarrow.parquet import read_table

    return read_table(path)


def _read_heading(path: Path, handle: io.BufferedReader, understood: str) -> tuple[str, list[str]]:
    """(what separates the columns, their names) of the first line that is not blank."""
    heading = next((line for line in handle if line.strip()), b"").decode().rstrip("\n")
    if not heading:
        raise InputError(f"{path}: the file is empty; expected a line of headings: {understood}")
    delimiter = next((mark for mark in "\t,;" if mark in heading), "\t")
    names = [check_name(name.strip(), f"{path}, line 1") for name in next(csv.reader([heading], delimiter=delimiter))]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{path}, line 1: two columns are called {twice!r}; expected distinct headings")
    return delimiter, names


def _read_rows(path: Path, handle: io.BufferedReader, delimiter: str, names: list[str]) -> pa.Table:
    from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

    try:
        return read_csv(
            handle,
            read_options=ReadOptions(column_names=names),
            parse_options=ParseOptions(delimiter=delimiter),
            # Text first: a column of families such as "0" or chromosomes such as "1" must not become numbers.
            convert_options=ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid:
        # Arrow counts rows of the block that it read, and not every time.
        with open_text(path) as lines:
            for number, line in enumerate(lines, 1):
                fields = next(csv.reader([line.decode("latin-1")], delimiter=delimiter), names)
                if len(fields) not in (0, len(names)):
                    message = f"{path}, line {number}: {counted(len(fields), 'column')}; expected {len(names)}, as in the headings"
                    raise InputError(message) from None
        raise


def _no_rows(names: list[str]) -> pa.Table:
    return pa.table({name: pa.array([], pa.string()) for name in names})


def _refuse_line_ends(path: Path, table: pa.Table) -> pa.Table:
    """The table itself, if no quote swallowed lines; else InputError."""
    for name in table.column_names:
        if pc.any(pc.match_substring(table[name], "\n")).as_py():
            number = _find_line(path, lambda line: line.count(b'"') % 2 == 1)
            raise InputError(f"{path}, line {number}: a quote in column {name} is not closed on its line; close it, or leave quotes out")
    return table


def _find_line(path: Path, is_it: Callable[[bytes], bool]) -> int:
    """1-based number of the first such line, or of the last line."""
    number = 0
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if is_it(line):
                return number
    return number


def line_of(path: Path, row: int) -> int:
    """1-based line of a row (from 0) of a table in the file: blank lines are no rows. Of Parquet as if it were text."""
    if path.suffix == ".parquet":
        return row + 2
    rows = itertools.count(-1)
    return _find_line(path, lambda line: bool(line.strip()) and next(rows) == row)


def match_headings(
    path: Path, raw: pa.Table, roles: Mapping[str, Sequence[str]], required: Iterable[str], understood: str
) -> dict[str, str]:
    """Column of each role that the table has: the first of the role's headings, in lower case, that is present and has no role yet.

    Raises InputError, which lists `understood`, where a required role has none.
    """
    present: dict[str, str] = {name.lower(): name for name in reversed(raw.column_names)}
    names = {}
    for role, headings in roles.items():
        # One column plays one role, so `target` is a label only where the sequence stands elsewhere.
        found = next((present[h] for h in headings if h in present and present[h] not in names.values()), None)
        if found is not None:
            names[role] = found
    missing = [role for role in required if role not in names]
    if missing:
        raise InputError(
            f"{path}, line 1: no column for {' and '.join(missing)} among {', '.join(raw.column_names)}; understood: {understood}"
        )
    return names


def describe_headings(roles: Mapping[str, Sequence[str]]) -> str:
    """What `match_headings` understands, for errors.

    >>> from mirscan.pairs.read import describe_headings
    >>> describe_headings({"end": ("end", "stop")})
    'end: end, stop'
    """
    return "; ".join(f"{role}: {', '.join(headings)}" for role, headings in roles.items())


def _sequences(path: Path, column: pa.ChunkedArray, role: str) -> pa.ChunkedArray:
    """Column as upper-case ACGTN strings, checked; dictionaries are cleaned once a distinct value."""
    if pa.types.is_dictionary(column.type):
        combined = column.combine_chunks()
        clean = _clean(path, combined.dictionary, role, combined.indices)
        return pa.chunked_array([clean.take(combined.indices)])
    return pa.chunked_array([_clean(path, pc.cast(column, pa.string()).combine_chunks(), role, None)])


def _clean(path: Path, strings: pa.Array, role: str, indices: pa.Array | None) -> pa.StringArray:
    strings = strings.cast(pa.string())
    if isinstance(strings, pa.ChunkedArray):
        strings = strings.combine_chunks()
    strings = pc.utf8_trim_whitespace(strings)

    def where(value: int) -> str:
        row = value if indices is None else int(np.flatnonzero(indices.to_numpy(zero_copy_only=False) == value)[0])
        return f"{path}, line {line_of(path, row)}"

    if strings.null_count:
        row = int(np.flatnonzero(strings.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError(f"{where(row)}: no {role} sequence; expected letters A C G T U N")
    offsets, data = string_buffers(strings)
    clean = bytes(data).translate(_CLEAN_BYTES)
    bad = np.frombuffer(bytes(data).translate(BYTE_CODES), np.uint8) == INVALID
    if bad.any():
        row = int(np.searchsorted(offsets, np.flatnonzero(bad)[0], side="right") - 1)
        letter = next(c for c in strings[row].as_py() if ord(c) > 255 or BYTE_CODES[ord(c)] == INVALID)
        raise InputError(
            f"{where(row)}: letter {describe_letter(letter)} in the {role} sequence {strings[row].as_py()[:60]!r}; "
            "expected A C G T U N or IUPAC"
        )
    lengths, (shortest, longest) = np.diff(offsets), _LENGTHS[role]
    wrong = np.flatnonzero((lengths < shortest) | (lengths > longest))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(f"{where(row)}: {role} of {lengths[row]} nt; expected {shortest} to {longest}")
    return pa.StringArray.from_buffers(len(strings), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(clean))


def string_buffers(strings: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (n + 1,) int64 from 0 and letters (total,) uint8 of an Arrow string array without nulls; no copy of the letters."""
    if len(strings) == 0:
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    offsets = np.frombuffer(strings.buffers()[1], np.int32)[strings.offset : strings.offset + len(strings) + 1].astype(np.int64)
    letters = strings.buffers()[2]
    data = np.frombuffer(letters, np.uint8) if letters is not None else np.zeros(0, np.uint8)
    return offsets - offsets[0], data[offsets[0] : offsets[-1]]


def _numbers(path: Path, column: pa.ChunkedArray, name: str) -> np.ndarray:
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    try:
        numbers = pc.cast(pc.utf8_trim_whitespace(column) if is_text else column, pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        row, value = next((row, value) for row, value in enumerate(column.to_pylist()) if not _is_number(value))
        raise InputError(f"{path}, line {line_of(path, row)}: {name} is {value!r}; expected a number") from None
    missing = np.flatnonzero(np.isnan(numbers))
    if len(missing):
        raise InputError(f"{path}, line {line_of(path, missing[0])}: {name} is empty or nan; expected a number")
    return numbers


def _is_number(text: str | None) -> bool:
    try:
        pa.scalar(text.strip()).cast(pa.float64())
        return True
    except (AttributeError, pa.ArrowInvalid):
        return False


def _labels(path: Path, column: pa.ChunkedArray, name: str) -> np.ndarray:
    numbers = _numbers(path, column, name)
    highest = 1000.0 if name.lower() == "teacher_permille" else 1.0
    wrong = np.flatnonzero((numbers < 0) | (numbers > highest))
    if len(wrong):
        raise InputError(f"{path}, line {line_of(path, wrong[0])}: {name} is {numbers[wrong[0]]:g}; expected 0 to {highest:g}")
    return (numbers / highest).astype(np.float32)


def _weights(path: Path, column: pa.ChunkedArray | None, factor: float | None, n: int) -> np.ndarray:
    numbers = np.ones(n) if column is None else _numbers(path, column, "weight")
    numbers = numbers * (1.0 if factor is None else factor)
    wrong = np.flatnonzero(~((numbers >= 0) & (numbers <= MAX_WEIGHT)))
    if len(wrong):
        row = wrong[0]
        raise InputError(f"{path}, line {line_of(path, row)}: a weight is {numbers[row]:g}; expected 0 to {MAX_WEIGHT:g}")
    return numbers.astype(np.float32)


def _with_weight(table: pa.Table) -> pa.Table:
    if "weight" in table.column_names:
        return table
    return table.append_column("weight", pa.array(np.ones(table.num_rows, np.float32)))
