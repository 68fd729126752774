"""Lines of BED12 -> Rows: one transcript a line, its blocks the exons, its thick part the coding region."""

from mirscan.genome.rows import EXON, LONGEST_CONTIG, SPAN, Label, Rows
from mirscan.sequence.headers import parse_header
from mirscan.sequence.text import decode_name, decode_text, is_bed_header

FIELDS = 12


def read_bed12(handle, rows: Rows) -> None:
    """Rows of a BED12 file; names may hold gene and symbol as FASTA headers do."""
    for number, line in enumerate(handle, 1):
        if is_bed_header(line) or line.isspace():
            continue
        if not line.isascii():
            decode_text(line, rows.problems.notices)
        fields = line.rstrip(b"\r\n").split(b"\t")
        if len(fields) < FIELDS:
            rows.problems.tell(number, f"{len(fields)} fields separated by tabs; expected 12, as BED12 has", "lines without twelve fields")
            continue
        try:
            start, end, thick_start, thick_end, n = (int(fields[at]) for at in (1, 2, 6, 7, 9))
            sizes, starts = (_numbers(fields[at]) for at in (10, 11))
        except ValueError:
            rows.problems.tell(number, "a coordinate or block that is no whole number", "lines with something else than whole numbers")
            continue
        if wrong := _misfit(start, end, thick_start, thick_end, sizes, starts, n):
            rows.problems.tell(number, wrong, "lines whose blocks do not fit")
            continue
        _add(rows, number, fields, (start, thick_start, thick_end), sizes, starts)


def _add(rows: Rows, number: int, fields: list[bytes], places: tuple[int, int, int], sizes: list[int], starts: list[int]) -> None:
    start, thick_start, thick_end = places
    name = _new_name(rows, fields[3])
    for size, offset in zip(sizes, starts, strict=True):
        rows.add(number, EXON, name, fields[0], fields[5], start + offset, start + offset + size)
    if thick_start < thick_end:
        rows.add(number, SPAN, name, fields[0], fields[5], thick_start, thick_end)


def _new_name(rows: Rows, given: bytes) -> bytes:
    """The name, or as UCSC writes it the name with _dup1 where a transcript lies at several places."""
    header = parse_header(decode_name(given))
    transcript, number = header.transcript, 0
    while transcript.encode() in rows.labels:
        number += 1
        transcript = f"{header.transcript}_dup{number}"
    if number:
        rows.problems.notices.add("transcripts stand in the annotation again and are called _dup1, _dup2 and so on", transcript)
    rows.labels[transcript.encode()] = Label(transcript, header.gene, header.symbol)
    return transcript.encode()


def _numbers(text: bytes) -> list[int]:
    return [int(word) for word in text.rstrip(b",").split(b",")]


def _misfit(start: int, end: int, thick_start: int, thick_end: int, sizes: list[int], starts: list[int], n: int) -> str:
    """What does not fit, empty where all does."""
    if not 0 <= start < end <= LONGEST_CONTIG:
        return f"start {start} and end {end}; expected 0 <= start < end on a contig, with the start 0-based"
    if not len(sizes) == len(starts) == n:
        return f"{n} blocks are said, {len(sizes)} sizes and {len(starts)} starts given; expected as many of each"
    last = start + starts[-1] + sizes[-1]
    if starts[0] != 0 or last != end or min(sizes) < 1:
        hint = "; the start may be 1-based, and BED wants 0-based" if abs(last - end) == 1 else ""
        return f"blocks from {start + starts[0]} to {last} do not fit {start} to {end}; expected them to begin and end with it{hint}"
    if not (thick_start >= thick_end or start <= thick_start < thick_end <= end):
        return f"thick part {thick_start}-{thick_end} outside {start}-{end}; expected it within"
    return ""
