"""Known sites on transcripts, for asking whether a scan finds them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.errors import InputError
from mirscan.notices import Notices, counted
from mirscan.pairs.read import describe_headings, line_of, match_headings, read_text_table
from mirscan.sequence.mirnas import MirnaSet, mirnas_from_sequences, read_mirnas
from mirscan.sequence.transcriptome import Transcriptome

# Headings in lower case, the first that is present wins.
HEADINGS = {
    "mirna": ("mirna_seq", "mirna_sequence", "noncodingrna", "mirna"),
    "transcript": ("transcript", "refseq", "transcript_id"),
    "start": ("start0", "start"),
    "end": ("end",),
}
_UNDERSTOOD = describe_headings(HEADINGS)


@dataclass(frozen=True)
class ScanSites:
    """Site i: miRNA `mirna[i]` of `mirnas` on `start[i]` .. `end[i]` (0-based, half-open) of transcript number `transcript[i]`."""

    mirnas: MirnaSet
    mirna: np.ndarray
    transcript: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def __len__(self) -> int:
        return len(self.mirna)


def read_scan_sites(
    path: str | Path, transcriptome: Transcriptome, where: str = "", mirnas: str | Path | None = None, notices: Notices | None = None
) -> ScanSites:
    """Distinct sites of a TSV, CSV (.gz too) or Parquet with the miRNA's sequence, transcript, start and end (0-based, half-open).

    `where`, as COLUMN=VALUE, keeps these rows. `mirnas`: FASTA of miRNAs that are scanned, too, without known sites. Sites on
    transcripts that are not there are counted in `notices`.

    Raises InputError, with the line, for a row that is not a site, and where none is left.
    """
    path, notices = Path(path), Notices() if notices is None else notices
    raw = read_text_table(path, _UNDERSTOOD)
    names = match_headings(path, raw, HEADINGS, HEADINGS, _UNDERSTOOD)
    rows = np.arange(raw.num_rows)
    columns = {role: pc.cast(raw[name], pa.string()).combine_chunks() for role, name in names.items()}
    if where:
        kept = _rows_where(path, raw, where)
        rows, columns = rows[kept], {role: column.filter(pa.array(kept)) for role, column in columns.items()}
    place = pc.index_in(columns["transcript"], transcriptome.names)
    is_there = place.is_valid().to_numpy(zero_copy_only=False)
    if not is_there.any():
        raise InputError(
            f"{path}: none of {counted(len(rows), 'site')} is on the {counted(len(transcriptome), 'transcript')} given"
            f" (first site: {columns['transcript'][0]}; first transcript: {transcriptome.names[0]}); expected the same names"
        )
    if not is_there.all():
        absent = columns["transcript"].filter(pa.array(~is_there))
        notices.add("sites whose transcript was not given were left out", absent[0].as_py(), len(absent))
    rows, columns = rows[is_there], {role: column.filter(pa.array(is_there)) for role, column in columns.items()}
    transcript = place.drop_null().to_numpy().astype(np.int64)
    start, end = (_integers(path, rows, columns[role], role) for role in ("start", "end"))
    wrong = np.flatnonzero((start < 0) | (start >= end) | (end > transcriptome.lengths[transcript]))
    if len(wrong):
        row = wrong[0]
        raise InputError(
            f"{path}, line {line_of(path, rows[row])}: site {start[row]}-{end[row]} on {columns['transcript'][row]} of"
            f" {transcriptome.lengths[transcript[row]]} nt; expected 0 <= start < end within it"
        )
    mirna_set, mirna = _mirnas(path, rows, columns["mirna"], mirnas)
    distinct = np.unique(np.stack([transcript, start, end, mirna]), axis=1)
    notices.add("sites are repeated; each counts once", count=len(start) - distinct.shape[1])
    transcript, start, end, mirna = distinct
    return ScanSites(mirna_set, mirna, transcript, start, end)


def _rows_where(path: Path, raw: pa.Table, where: str) -> np.ndarray:
    column, _, value = where.partition("=")
    if column not in raw.column_names:
        known = ", ".join(raw.column_names)
        raise InputError(f"--where {where}: {path} has no column {column!r}; expected COLUMN=VALUE with one of {known}")
    texts = pc.cast(raw[column], pa.string())
    kept = pc.equal(texts, value).to_numpy()
    if not kept.any():
        found = ", ".join(map(str, pc.unique(texts).to_pylist()[:8]))
        raise InputError(f"--where {where}: no such row in {path}; column {column} says {found}")
    return kept


def _integers(path: Path, rows: np.ndarray, column: pa.StringArray, role: str) -> np.ndarray:
    try:
        numbers = pc.cast(column, pa.int64())
    except pa.ArrowInvalid:
        row = next(row for row, text in enumerate(column.to_pylist()) if text is not None and not text.lstrip("-").isdecimal())
        raise InputError(f"{path}, line {line_of(path, rows[row])}: {role} is {column[row].as_py()!r}; expected a whole number") from None
    if numbers.null_count:
        row = numbers.is_null().to_numpy(zero_copy_only=False).argmax()
        raise InputError(f"{path}, line {line_of(path, rows[row])}: {role} is empty; expected a whole number")
    return numbers.to_numpy()


def _mirnas(path: Path, rows: np.ndarray, column: pa.StringArray, more: str | Path | None) -> tuple[MirnaSet, np.ndarray]:
    """Distinct miRNAs, named by their letters, those of the sites first; and the number of each site's."""
    letters = pc.replace_substring(pc.utf8_upper(pc.fill_null(column, "")), "U", "T")
    encoded = letters.dictionary_encode()
    sequences, mirna = encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
    for number, sequence in enumerate(sequences):
        try:
            mirnas_from_sequences([sequence], [sequence])
        except InputError as error:
            raise InputError(f"{path}, line {line_of(path, rows[np.flatnonzero(mirna == number)[0]])}: {error}") from None
    if more is not None:
        others = read_mirnas(more)
        sequences = list(dict.fromkeys([*sequences, *(others.sequence(i) for i in range(len(others)))]))
    return mirnas_from_sequences(sequences, sequences), mirna
