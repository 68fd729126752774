"""Lines of GTF and GFF3 -> Rows. Millions of lines stream by; what regions do not need is dropped before anything is made of it."""

from collections.abc import Iterator

from mirscan.genome.attributes import gff3_id, gff3_label, gff3_parent, gtf_label, gtf_transcript
from mirscan.genome.rows import KINDS, Label, Rows
from mirscan.sequence.text import decode_name, decode_text

# Rows that name a GTF transcript without being a part of it.
_NAMES = {b"transcript", b"mRNA"}
# Types that no exon has as parent and that come by the million.
_NO_PARENTS = {b"match", b"match_part", b"cDNA_match", b"region", b"biological_region"}
# TAIR gives each CDS its protein as second parent.
_PROTEINS = {b"protein", b"polypeptide", b""}

Lines = Iterator[tuple[int, list[bytes]]]


def split_lines(handle, rows: Rows) -> Lines:
    """(line number, nine fields) of each feature, up to a FASTA section."""
    for number, line in enumerate(handle, 1):
        if line.startswith((b"##FASTA", b">")):
            return
        if line.startswith(b"#") or line.isspace():
            continue
        if not line.isascii():
            decode_text(line, rows.problems.notices)
        fields = line.rstrip(b"\r\n").split(b"\t", 8)
        if len(fields) == 9:
            yield number, fields
        else:
            sentence = f"{len(fields)} fields separated by tabs; expected 9, as GTF and GFF3 have"
            rows.problems.tell(number, sentence, "lines without nine fields")


def read_gtf(lines: Lines, rows: Rows) -> None:
    """Rows of a GTF file: each names its transcript."""
    for number, fields in lines:
        kind, text = KINDS.get(fields[2]), fields[8]
        if kind is None and fields[2] not in _NAMES:
            continue
        found = gtf_transcript(text)
        if found is None:
            sentence = f"found {text[:60].decode('utf-8', 'replace')!r} in column 9; expected transcript_id"
            rows.problems.tell(number, sentence, "features without transcript_id")
            continue
        name = found[1]
        if name not in rows.labels:
            rows.labels[name] = gtf_label(name, text)
        if kind is not None:
            rows.add_fields(number, kind, name, fields)


def read_gff3(lines: Lines, rows: Rows) -> None:
    """Rows of a GFF3 file: each names its parents, whose own lines hold the names and may come later."""
    nodes: dict[bytes, tuple[bytes, bytes]] = {}
    shared: set[bytes] = set()
    for number, fields in lines:
        kind, text = KINDS.get(fields[2]), fields[8]
        if kind is None:
            if fields[2] not in _NO_PARENTS and (found := gff3_id(text)):
                nodes[found[1]] = (fields[2], text)
            continue
        found = gff3_parent(text) or gff3_id(text)
        if found is None:
            rows.problems.tell(number, "neither Parent nor ID in column 9; expected Parent=ID of a transcript", "features without a parent")
            continue
        parents = found[1].split(b",")
        if len(parents) > 1:
            shared.update(parents)
        for parent in parents:
            rows.add_fields(number, kind, parent, fields)
    _name_parents(rows, nodes, shared)


def _name_parents(rows: Rows, nodes: dict[bytes, tuple[bytes, bytes]], shared: set[bytes]) -> None:
    """Label every parent but the proteins beside a transcript."""
    for key in rows.groups:
        name = key.rsplit(b"\t", 2)[0]
        is_protein = name in shared and nodes.get(name, (b"", b""))[0] in _PROTEINS
        if not is_protein and name not in rows.labels:
            rows.labels[name] = gff3_label(name, nodes)


def read_bare(lines: Lines, rows: Rows) -> None:
    """Rows whose column 9 is an id alone, as of FlyBase tables: features are grouped by it."""
    for number, fields in lines:
        kind = KINDS.get(fields[2])
        if kind is None:
            continue
        name = fields[8].strip()
        if name not in rows.labels:
            text = decode_name(name)
            rows.labels[name] = Label(text, text, text)
            rows.problems.notices.add("ids stand alone in column 9 of the annotation and were taken for the transcript", text)
        rows.add_fields(number, kind, name, fields)
