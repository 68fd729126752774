"""Headers of every source that docs/headers.md names, and some that try to be taken for others."""

from pathlib import Path

import pytest

from mirscan.errors import InputError
from mirscan.sequence.headers import header_reader, parse_header

# header, transcript, gene, symbol, place
CASES = [
    ("ENSG00000141510|ENST00000269305|TP53", "ENST00000269305", "ENSG00000141510", "TP53", None),
    ("ENST00000269305.9|ENSG00000141510.18|TP53", "ENST00000269305.9", "ENSG00000141510.18", "TP53", None),
    ("TP53|ENSG00000141510|ENST00000269305", "ENST00000269305", "ENSG00000141510", "TP53", None),
    ("ENSMUST00000108658|ENSMUSG00000059552", "ENSMUST00000108658", "ENSMUSG00000059552", "ENSMUSG00000059552", None),
    ("gnl|WGS:JAAA|TX.1", "TX.1", "TX.1", "TX.1", None),
    ("rna-gnl|WGS:JAAA|TX.1", "TX.1", "TX.1", "TX.1", None),
    ("gi|42|emb|X01.1|LOC", "X01.1", "X01.1", "X01.1", None),
    ("gb|U49845.1|SCU49845", "U49845.1", "U49845.1", "U49845.1", None),
    ("T1|chr1|100", "T1", "100", "100", None),
    ("ENST00000269305|7661779|7687538|TP53", "ENST00000269305", "TP53", "TP53", None),
    ("ENST00000269305|17|TP53", "ENST00000269305", "TP53", "TP53", None),
    ("T1|X|TP53", "T1", "TP53", "TP53", None),
    ("NM_130786|1|A1BG|longest_orf", "NM_130786", "1", "A1BG", None),
    ("NM_017581|55584|CHRNA9|refseq_bed_len", "NM_017581", "55584", "CHRNA9", None),
    ("T1|chr2L_random|GENE1", "T1", "GENE1", "GENE1", None),
    ("T1|42|+|GENE1", "T1", "GENE1", "GENE1", None),
    ("NM_000662|9|NAT1|refseq_bed", "NM_000662", "9", "NAT1", None),
    ("ENSG00000141510|ENSG00000141510.18|ENST00000269305|TP53", "ENST00000269305", "ENSG00000141510", "TP53", None),
    ("T1|chr1:100-200|GENE1", "T1", "GENE1", "GENE1", None),
    ("NM_000546.6 Homo sapiens tumor protein p53 (TP53), transcript variant 1, mRNA", "NM_000546.6", "TP53", "TP53", None),
    ("TRINITY_DN1000_c115_g5_i1 len=247 path=[31015:0-148]", "TRINITY_DN1000_c115_g5_i1", *["TRINITY_DN1000_c115_g5"] * 2, None),
    ("FBtr0070604 type=mRNA; parent=FBgn0029512; name=Aos1-RA", "FBtr0070604", "FBgn0029512", "FBgn0029512", None),
    (
        "hg38_ncbiRefSeq_NM_000546.6 range=chr17:7668422-7687550 5'pad=0 strand=-",
        *["NM_000546.6"] * 3,
        "chr17:7668421-7687550(-)",
    ),
    ("T1::chr1:100-131(+)", *["T1"] * 3, "chr1:100-131(+)"),
    ("T1|G1|S1::chr1:100-131(-)", "T1", "G1", "S1", "chr1:100-131(-)"),
    ("ENST01 cdna chromosome:GRCh38:19:11:20:-1 gene:ENSG01", "ENST01", "ENSG01", "ENSG01", "19:10-20(-)"),
    ("AT1G01010.1 | Symbols: NAC001", *["AT1G01010.1"] * 3, None),
]


@pytest.mark.parametrize(("header", "transcript", "gene", "symbol", "place"), CASES)
def test_parse_header__known_sources(header, transcript, gene, symbol, place):
    found = parse_header(header)
    assert (found.transcript, found.gene, found.symbol, found.place and str(found.place)) == (transcript, gene, symbol, place)


def test_header_reader__own_expression():
    read = header_reader(r"^(?P<gene>\w+)/(?P<transcript>\w+)")
    assert (read("G7/T9 x", "f, line 1").transcript, read("G7/T9 x", "f, line 1").gene) == ("T9", "G7")
    with pytest.raises(InputError, match=r"f.fa, line 3: --header .* finds no transcript in 'T9'; expected it to fit every record"):
        read("T9", "f.fa, line 3")


@pytest.mark.parametrize(("pattern", "message"), [("(", "not a regular expression"), ("(?P<gene>.*)", r"no group \(\?P<transcript>")])
def test_header_reader__bad_expression(pattern, message):
    with pytest.raises(InputError, match=message):
        header_reader(pattern)


def test_docs__table_of_headers_is_true():
    page = (Path(__file__).parents[2] / "docs" / "headers.md").read_text()
    rows = [line.strip("|").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) >= 10
    for source in rows:
        header, transcript, gene, symbol = (cell.strip().strip("`").replace("\\|", "|") for cell in source[:4])
        found = parse_header(header.removeprefix(">"))
        assert (found.transcript, found.gene, found.symbol) == (transcript, gene, symbol)
