"""Column 9 of GTF and GFF3: names, biotypes and tags, in the words of every source we know."""

import re
from urllib.parse import unquote

from mirscan.genome.rows import UNTAGGED, Label
from mirscan.sequence.text import decode_name

# Tags that make an isoform the principal one, best first: MANE, RefSeq Select, Ensembl canonical, APPRIS.
TAGS = (
    (b"MANE_Select", b"MANE Select"),
    (b"RefSeq Select", b"RefSeq_Select"),
    (b"Ensembl_canonical",),
    (b"MANE_Plus_Clinical", b"MANE Plus Clinical"),
    *((b"appris_principal_%d" % number,) for number in range(1, 6)),
    (b"appris_principal",),
)
# Long non-coding RNA in the words of GENCODE (today's and those before release 31), Ensembl, RefSeq, FlyBase and TAIR.
LNCRNA = frozenset(
    [
        "lncRNA",
        "lnc_RNA",
        "lincRNA",
        "long_noncoding_rna",
        "antisense",
        "antisense_RNA",
        "antisense_lncRNA",
        "processed_transcript",
        "sense_intronic",
        "sense_overlapping",
        "3prime_overlapping_ncRNA",
        "macro_lncRNA",
        "bidirectional_promoter_lncRNA",
        "non_coding",
        "ncRNA",
    ]
)
_IS_TAGGED = re.compile(rb"MANE|Select|canonical|appris_p").search


def _gtf(*keys: str):
    """Search for the first of these keys, as in `gene_id "X"` or `gene_id X`."""
    return re.compile(rb"\b(?:%b)\s+\"?([^\";]+)" % "|".join(keys).encode()).search


def _gff3(*keys: str):
    return re.compile(rb"(?:^|;)\s*(?:%b)=([^;]+)" % "|".join(keys).encode()).search


# Asked of every line: without a \b before it the search is for a literal. NCBI's orig_transcript_id stands behind transcript_id.
gtf_transcript = re.compile(rb"transcript_id\s+\"?([^\";]+)").search
_gtf_gene, _gtf_symbol = _gtf("gene_id"), _gtf("gene_name", "gene_symbol", "gene")
_gtf_biotype, _gtf_gene_biotype = _gtf("transcript_type", "transcript_biotype"), _gtf("gene_type", "gene_biotype")
gff3_id, gff3_parent = _gff3("ID"), _gff3("Parent")
_gff3_transcript, _gff3_gene = _gff3("transcript_id"), _gff3("gene_id")
_gff3_symbol, _gff3_name = _gff3("gene_name", "gene"), _gff3("Name")
_gff3_biotype = _gff3("transcript_type", "transcript_biotype", "biotype")
# Ensembl and NCBI write what an id is before it.
_PREFIX = re.compile(r"\A(?:transcript:|gene:|rna-|gene-)")


def text_of(found: re.Match | None, default: str = "") -> str:
    """What a search found, as text."""
    return default if found is None else decode_name(found[1].strip())


def rank_tags(text: bytes) -> int:
    """Place of the best tag in `TAGS`; UNTAGGED without one."""
    if not _IS_TAGGED(text):
        return UNTAGGED
    return next((rank for rank, words in enumerate(TAGS) if any(word in text for word in words)), UNTAGGED)


def gtf_label(name: bytes, text: bytes) -> Label:
    """Names of a GTF transcript from column 9 of one of its rows."""
    transcript = decode_name(name)
    gene = text_of(_gtf_gene(text), transcript)
    biotype = text_of(_gtf_biotype(text)) or text_of(_gtf_gene_biotype(text))
    return Label(transcript, gene, text_of(_gtf_symbol(text), gene), biotype, rank_tags(text))


def gff3_label(name: bytes, nodes: dict[bytes, tuple[bytes, bytes]]) -> Label:
    """Names of a GFF3 transcript; `nodes` maps ids to (type, column 9) of the lines that others may name as parent."""
    kind, text = nodes.get(name, (b"", b""))
    transcript = _plain(text_of(_gff3_transcript(text), decode_name(name)))
    parent = gff3_parent(text)
    gene_text = nodes.get(parent[1], (b"", b""))[1] if parent else b""
    gene = text_of(_gff3_gene(text)) or text_of(_gff3_gene(gene_text)) or text_of(parent, transcript)
    symbol = text_of(_gff3_symbol(text)) or text_of(_gff3_name(gene_text)) or gene
    biotype = text_of(_gff3_biotype(text)) or decode_name(kind)
    return Label(transcript, _plain(gene), _plain(symbol), biotype, rank_tags(text))


def _plain(name: str) -> str:
    """An id without Ensembl's or NCBI's prefix and without GFF3's percent signs."""
    return _PREFIX.sub("", unquote(name))
