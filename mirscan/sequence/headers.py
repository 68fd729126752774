"""FASTA headers -> transcript, gene, symbol and place, for every source we know; docs/headers.md shows the rules by example.

Stable ids say what they are, so they are recognised in whatever field they stand; a field that cannot be a gene is not taken for one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from mirscan.errors import InputError
from mirscan.sequence.text import first_word, strip_blanks

# _1 behind a version: lifted by GENCODE to another assembly, or UCSC's number of an exon.
_VERSION, _MORE = r"(?:\.\d+)?", r"(?:_PAR_Y|_\d+)?"
_TAIR_GENE = r"AT[1-5CM]G\d{5}"
_TRANSCRIPT_ID = (
    rf"(?:ENS[A-Z]{{0,6}}T\d{{6,}}{_VERSION}{_MORE}|[NX][MR]_\d+{_VERSION}(?:_\d+)?|FBtr\d{{7}}|{_TAIR_GENE}\.\d+"
    r"|uc\d{3}[a-z]{3}\.\d+|[a-z]{3}_circ\w+)"
)
_GENE_ID = rf"(?:ENS[A-Z]{{0,6}}G\d{{6,}}{_VERSION}{_MORE}|FBgn\d{{7}}|{_TAIR_GENE}|WBGene\d{{8}}|MGI:\d+|HGNC:\d+)"
_IS_TRANSCRIPT, _IS_GENE, _IS_REFSEQ = (re.compile(rf"{pattern}\Z").match for pattern in (_TRANSCRIPT_ID, _GENE_ID, r"[NX][MR]_\d+.*"))
# Chromosomes, places, strands, kinds of sequence: what stands between | beside names and is no gene.
_NO_NAME = re.compile(
    r"(?:(?-i:chr(?:\d{1,2}[LR]?|[A-Z]|MT|Un)(?:_\w+)?)(?::.*)?|[\w.]+:\d+-\d+.*|[+-]|-1|\d+\.\.\d+|\d+(?:;\d+)+"
    r"|(?:CDS|UTR[35]?|[35]'?_?UTR|five_prime_utr|three_prime_utr)(?::.*)?"
    r"|mRNA|[ct]?DNA|ncRNA|lncRNA|protein_coding|None|NA|N/A|NULL|NaN|\.|unknown)\Z",
    re.IGNORECASE,
)
# Ensembl's and NCBI's GFF3, and what gffread makes of it, write what an id is before it.
_PREFIX = re.compile(r"(?:\A|(?<=\|))(?:transcript:|gene:|rna-(?=[NX][MR]_\d))")
# BioMart's description of a gene is one field among the others, and has blanks.
_DESCRIPTION = re.compile(r"\|[^|]* [^|]*\[Source:[^|]*")
# NCBI's databases; the accession follows the tag, behind gi|number| and gnl|database|, too.
_TAGS = {"ref", "gb", "emb", "dbj", "tpg", "tpe", "tpd", "lcl", "gi", "gnl"}
_GENE_WORD = re.compile(r"(?<![\w.])(?:gene_id|gene|parent|locus|locus_tag|GeneID)[:=]\"?(?:gene[:-])?([^\s\];,\"]+)")
_SYMBOL_WORD = re.compile(r"(?<![\w.])(?:gene_symbol|gene_name|symbol)[:=]\"?([^\s\];,\"]+)")
# "NM_000546.6 Homo sapiens tumor protein p53 (TP53), transcript variant 1, mRNA"
_NCBI_SYMBOL = re.compile(r"^(?:gi\|\d+\|)?(?:ref\|)?[NX][MR]_\S+ .*\(([^\s()]+)\),? .*(?:RNA|variant)")
# "NM_000014.6 A2M [organism=Homo sapiens] [GeneID=2] [transcript=1]"
_DATASETS_SYMBOL = re.compile(r"^[NX][MR]_\S+ (\S+) \[organism=")
# FlyBase's name of a transcript is the symbol with -RA, -RB, ...; TAIR lists the symbols of a gene.
_FLYBASE_SYMBOL = re.compile(r"^FBtr\d{7}\b.* name=([^\s;]+)-R[A-Z]+;")
_TAIR_SYMBOL = re.compile(rf"^{_TAIR_GENE}\.\d+ \| Symbols: *([^\s,|]+)")
_WORMBASE_SYMBOL = re.compile(r" gene=WBGene\d{8} .*?(?<!\S)locus=(\S+)")
_SYMBOLS = (_SYMBOL_WORD, _NCBI_SYMBOL, _DATASETS_SYMBOL, _FLYBASE_SYMBOL, _TAIR_SYMBOL, _WORMBASE_SYMBOL)
# A transcript's own name holds that of its gene: Trinity, its older releases, StringTie, PacBio, TAIR.
_OWN_GENES = tuple(
    re.compile(rf"{pattern}\Z")
    for pattern in (r"((?:.*_)?c\d+_g\d+)_i\d+", r"(comp\d+_c\d+)_seq\d+", r"((?:MSTRG|STRG|PB)\.\d+)\.\d+", rf"({_TAIR_GENE})\.\d+")
)
# CIRI's name of a circle is its place, with | between the ends.
_CIRCLE = re.compile(r"([\w.]+:\d+\|\d+)(?:\||\Z)")
_UCSC_NAME = re.compile(rf"[A-Za-z0-9]+_[A-Za-z0-9]+_({_TRANSCRIPT_ID})\Z")
# `mirscan extract` (0-based, spliced).
_OWN_PLACE = re.compile(r"(?<!\S)place=(\S+):(\d+-\d+(?:,\d+-\d+)*)\(([+-])\)(?:\s+region=(\S+))?")
# bedtools getfasta -nameOnly -s.
_STRAND = re.compile(r"\([+-]\)\Z")
# bedtools getfasta, with -name and without (0-based), UCSC's table browser, Ensembl, TAIR and FlyBase (1-based).
_BEDTOOLS = re.compile(r"(?:(?P<name>.*)::)?(?P<contig>[^\s:|]+):(?P<start>\d+)-(?P<end>\d+)(?:\((?P<strand>[+-])\))?\Z")
_PLACES = (
    re.compile(r"range=(?P<contig>[^\s:]+):(?P<start>\d+)-(?P<end>\d+).*?(?:strand=(?P<strand>[+-])|\Z)"),
    re.compile(r"(?:chromosome|scaffold|primary_assembly):[^:\s]+:(?P<contig>[^:\s]+):(?P<start>\d+):(?P<end>\d+):(?P<strand>-?1)(?!\S)"),
    re.compile(r"\| *(?P<contig>[Cc]hr\w+):(?P<start>\d+)-(?P<end>\d+) (?P<strand>FORWARD|REVERSE)"),
    re.compile(r" loc=(?P<contig>[^\s:;]+):(?:(?P<strand>complement)|join|\()*(?P<start>\d+)\.\.(?:[\d.,]*\.\.)?(?P<end>\d+)\)*;"),
)
# FlyBase's places of spliced sequences have their blocks.
_JOINED = re.compile(r"(\d+)\.\.(\d+)")
_REVERSE = {"-", "-1", "REVERSE", "complement"}


@dataclass(frozen=True)
class Place:
    """Where a sequence lies on its contig: blocks of (start, end), 0-based and half-open, in ascending order; strand is + or -, or . where
    the header does not say.
    """

    contig: str
    blocks: tuple[tuple[int, int], ...]
    strand: str

    def of_length(self, n: int) -> "Place":
        """The place of a sequence of `n` nt: samtools faidx writes as bedtools does, but 1-based, so the sequence is one longer.

        >>> str(Place("chr1", ((100, 131),), ".").of_length(32))
        'chr1:99-131(.)'
        """
        start, end = self.blocks[0]
        return replace(self, blocks=((start - 1, end),)) if len(self.blocks) == 1 and n == end - start + 1 else self

    def __str__(self) -> str:
        return f"{self.contig}:{','.join(f'{start}-{end}' for start, end in self.blocks)}({self.strand})"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place that `str` wrote.

        >>> Place.parse("chr1:100-131,200-220(+)").blocks
        ((100, 131), (200, 220))
        """
        contig, blocks = text[:-3].rsplit(":", 1)
        pairs = (block.split("-") for block in blocks.split(","))
        return cls(contig, tuple((int(start), int(end)) for start, end in pairs), text[-2])


@dataclass(frozen=True)
class Header:
    """What a header says; a gene or symbol that it does not name is the next larger thing that it does."""

    transcript: str
    gene: str
    symbol: str
    place: Place | None = None
    region: str | None = None


def parse_header(header: str) -> Header:
    """Names and place of a header without its `>`.

    >>> parse_header("NM_000546|7157|TP53|refseq")
    Header(transcript='NM_000546', gene='7157', symbol='TP53', place=None, region=None)
    >>> parse_header("ENSG00000141510|ENST00000269305|TP53").transcript
    'ENST00000269305'
    >>> str(parse_header("T1::chr1:100-131(+)").place)
    'chr1:100-131(+)'
    """
    word, place, region = _split_place(_close_fields(_DESCRIPTION.sub("", header)))
    word = _PREFIX.sub("", word if place else _STRAND.sub("", word))
    names = _tagged(word) or _fields(word) if "|" in word else None
    name, gene, symbol = names or (_UCSC_NAME.sub(r"\1", word), None, None)
    gene = gene or _first(_GENE_WORD, header)
    symbol = symbol or next(filter(None, (_first(pattern, header) for pattern in _SYMBOLS)), None)
    gene = gene or _own_gene(name) or symbol or name
    return Header(name, gene, symbol or gene, place, region)


def header_reader(pattern: str | None) -> Callable[[str, str], Header]:
    """Function of (header, where) that applies a user's expression with the groups transcript and, if it likes, gene and symbol; without
    one, `parse_header`. InputError for an expression that is none, lacks the group or has others, and for a header that does not fit.
    """
    if pattern is None:
        return lambda header, where: parse_header(header)
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InputError(f"--header {pattern}: not a regular expression: {error}") from None
    if unknown := set(expression.groupindex) - {"transcript", "gene", "symbol"}:
        raise InputError(f"--header {pattern}: group {min(unknown)!r} is unknown; expected transcript, gene and symbol")
    if "transcript" not in expression.groupindex:
        raise InputError(
            f"--header {pattern}: no group (?P<transcript>...) in it; expected one, and perhaps (?P<gene>...) and (?P<symbol>...)"
        )

    def read(header: str, where: str) -> Header:
        found = expression.search(header)
        groups = {name: strip_blanks(text or "") for name, text in found.groupdict().items()} if found else {}
        if not groups.get("transcript"):
            raise InputError(f"{where}: --header {pattern} finds no transcript in {header[:60]!r}; expected it to fit every record")
        gene = groups.get("gene") or groups.get("symbol") or groups["transcript"]
        return replace(parse_header(header), transcript=groups["transcript"], gene=gene, symbol=groups.get("symbol") or gene)

    return read


def is_gene_id(field: str) -> bool:
    """Whether a word is a gene's stable id.

    >>> is_gene_id("ENSMUSG00000059552.4"), is_gene_id("TP53")
    (True, False)
    """
    return bool(_IS_GENE(field))


def is_transcript_id(field: str) -> bool:
    """Whether a word is a transcript's stable id.

    >>> is_transcript_id("NM_000546.6"), is_transcript_id("hsa-miR-21-5p")
    (True, False)
    """
    return bool(_IS_TRANSCRIPT(field))


def cannot_be_gene(field: str) -> bool:
    """Whether a word is a transcript's stable id, a chromosome, place, strand or kind of sequence.

    >>> cannot_be_gene("chr1"), cannot_be_gene("protein_coding"), cannot_be_gene("CHRNA9")
    (True, True, False)
    """
    return bool(_NO_NAME.match(field)) or is_transcript_id(field)


def _close_fields(header: str) -> str:
    """`ENST1 | ENSG1 | TP53 | tumor protein` as ENST1|ENSG1|TP53: fields of one word each, where a stable id says that they are names."""
    if " |" not in header:
        return header
    fields = [field.strip() for field in header.split("|")]
    n_words = next((i for i, field in enumerate(fields) if " " in field or field.endswith(":")), len(fields))
    names = fields[:n_words]
    is_names = len(names) > 1 and any(_IS_TRANSCRIPT(field) or _IS_GENE(field) for field in names)
    return " ".join(["|".join(names), *fields[n_words:]]) if is_names else header


def _split_place(header: str) -> tuple[str, Place | None, str | None]:
    """The first word without what bedtools adds, and the place and region that the header states."""
    word = first_word(header)
    # Most headers state no place; looking for one several times takes longer than all the rest of a header.
    if ":" not in header:
        return word, None, None
    if found := _OWN_PLACE.search(header):
        contig, blocks, strand, region = found.groups()
        return word, Place.parse(f"{contig}:{blocks}({strand})"), region
    if found := _BEDTOOLS.match(word):
        place = Place(found["contig"], ((int(found["start"]), int(found["end"])),), found["strand"] or ".")
        return found["name"] or word, place, None
    for pattern in _PLACES:
        if found := pattern.search(header):
            strand = "-" if found["strand"] in _REVERSE else "." if pattern is _PLACES[0] and not found["strand"] else "+"
            blocks = _JOINED.findall(found[0]) or [(found["start"], found["end"])]
            return word, Place(found["contig"], tuple((int(start) - 1, int(end)) for start, end in blocks), strand), None
    return word, None, None


def _own_gene(transcript: str) -> str | None:
    return next(filter(None, (_first(pattern, transcript) for pattern in _OWN_GENES)), None)


def _tagged(word: str) -> tuple[str, None, None] | None:
    """NCBI's gi|number|database|accession|locus, database|accession|locus and gnl|database|id."""
    tag, *fields = word.strip("|").split("|")
    tag = tag.rsplit("-", 1)[-1]
    # gi|number| and gnl|database| stand before what names the sequence.
    behind = fields[{"gi": 2, "gnl": 1}.get(tag, 0) :]
    accession = next(filter(None, (*behind, *fields)), None)
    return (accession, None, None) if tag in _TAGS and accession else None


def _fields(word: str) -> tuple[str, str | None, str | None]:
    """Fields between |, by what they are: stable ids in any order, else transcript, gene, symbol in this one."""
    circle = _CIRCLE.match(word)
    fields = [circle[1], *word[circle.end() :].split("|")] if circle else word.strip("|").split("|")
    name = circle[1] if circle else next(filter(_IS_TRANSCRIPT, fields), None)
    genes = list(filter(_IS_GENE, fields))
    # GENCODE: transcript, gene, two of Havana, transcript name, symbol, length, biotype.
    if name and genes and len(fields) >= 8 and fields[6].isdecimal():
        return name, genes[0], fields[5]
    name = name or next((field for field in fields if field and field not in genes[:1]), word)
    genes = genes or list(filter(None, [_own_gene(name)]))
    left = [field for field in fields if field and field != name and field not in genes]
    rest = [
        field
        for field, after in zip(left, [*left[1:], ""], strict=False)
        if not (cannot_be_gene(field) or _is_position(field, after, name))
    ]
    if not genes and rest:
        genes = [rest.pop(0)]
    return name, genes[0] if genes else None, rest[0] if rest and not rest[0].isdecimal() else None


def _is_position(field: str, after: str, transcript: str) -> bool:
    """Whether a field is part of a place or a length: a chromosome before another field, or a number that is no Entrez id, which stands
    behind a RefSeq id or before a symbol.
    """
    if field in ("X", "Y", "MT"):
        return after != ""
    if not field.isdecimal() or transcript.startswith("ENS") or after.isdecimal() or after in ("+", "-", "-1"):
        return field.isdecimal()
    return not (_IS_REFSEQ(transcript) or (after and not cannot_be_gene(after)))


def _first(pattern: re.Pattern, text: str) -> str | None:
    found = pattern.search(text)
    return found.group(1) if found else None
