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
    ("NM_000014.6 A2M [organism=Homo sapiens] [GeneID=2] [transcript=1]", "NM_000014.6", "2", "A2M", None),
    (
        "NM_000014.6:4563-4653 A2M [organism=Homo sapiens] [GeneID=2] [region=3utr]",
        *("NM_000014.6:4563-4653", "2", "A2M", "NM_000014.6:4563-4653(.)"),
    ),
    ("hsa_circ_0000002|chr1:1158623-1159348-|NM_016176|SDF4", "hsa_circ_0000002", "SDF4", "SDF4", None),
    ("hsa_circ_0000001|chr1:1080738-1080845-|None|None", *["hsa_circ_0000001"] * 3, None),
    ("chr1:1158623|1159348", *["chr1:1158623|1159348"] * 3, None),
    ("T1|NA|X", "T1", "X", "X", None),
    ("comp12_c0_seq3 len=300", "comp12_c0_seq3", *["comp12_c0"] * 2, None),
    ("MSTRG.7.2", "MSTRG.7.2", *["MSTRG.7"] * 2, None),
    ("PB.12.3|chr1:1-99(+)", "PB.12.3", *["PB.12"] * 2, None),
    ("T1;gene=G1;symbol=S1", "T1;gene=G1;symbol=S1", "G1", "S1", None),
    ("gi||U49845.1", *["U49845.1"] * 3, None),
    ("ref||NM_000546.6|", *["NM_000546.6"] * 3, None),
    ("gi|42", *["42"] * 3, None),
    ("gb|U49845.1|SCU49845", "U49845.1", "U49845.1", "U49845.1", None),
    ("T1|chr1|100", *["T1"] * 3, None),
    ("T1|1500", *["T1"] * 3, None),
    ("T1|1500|protein_coding", *["T1"] * 3, None),
    ("NM_000546|7157", "NM_000546", "7157", "7157", None),
    ("TP53|NM_000546|7157", "NM_000546", "TP53", "TP53", None),
    ("AT1G01040.1 | DCL1 | dicer-like 1", "AT1G01040.1", "AT1G01040", "DCL1", None),
    ("AT1G01040.1|DCL1", "AT1G01040.1", "AT1G01040", "DCL1", None),
    ("TRINITY_DN1_c0_g1_i1|m.5", "TRINITY_DN1_c0_g1_i1", "TRINITY_DN1_c0_g1", "m.5", None),
    ("c115_g5_i1 len=247", "c115_g5_i1", *["c115_g5"] * 2, None),
    ("PB.7.2|PB.7|TP53", "PB.7.2", "PB.7", "TP53", None),
    ("NM_000546.6(-)", *["NM_000546.6"] * 3, None),
    ("transcript:ENST00000269305 gene=gene:ENSG00000141510", "ENST00000269305", *["ENSG00000141510"] * 2, None),
    ("transcript:ENST00000269305|gene:ENSG00000141510|TP53", "ENST00000269305", "ENSG00000141510", "TP53", None),
    ("rna-NM_000546.6 gene=gene-TP53", "NM_000546.6", *["TP53"] * 2, None),
    ("rna-7 gene=gene-TP53", "rna-7", *["TP53"] * 2, None),
    ("chr1:1158623|1159348|SDF4", "chr1:1158623|1159348", *["SDF4"] * 2, None),
    ("hg19_knownGene_uc001aaa.3 range=chr1:11874-14409 strand=+", *["uc001aaa.3"] * 3, "chr1:11873-14409(+)"),
    ("F25B3.3b gene=WBGene00004391 locus=rgef-1 status=x", "F25B3.3b", "WBGene00004391", "rgef-1", None),
    (
        "ENSG00000141510|ENST00000269305|tumor protein p53 [Source:HGNC Symbol;Acc:HGNC:11998]|TP53",
        *("ENST00000269305", "ENSG00000141510", "TP53", None),
    ),
    (
        "ENSG00000141510|ENST00000269305|tumor protein p53 [Source:HGNC Symbol;Acc:HGNC:11998]",
        *("ENST00000269305", "ENSG00000141510", "ENSG00000141510", None),
    ),
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
    ("gi|4|ref|NR_073460.1| Homo sapiens BMS1 pseudogene (LOC101101776), non-coding RNA", "NR_073460.1", *["LOC101101776"] * 2, None),
    ("TRINITY_DN1000_c115_g5_i1 len=247 path=[31015:0-148]", "TRINITY_DN1000_c115_g5_i1", *["TRINITY_DN1000_c115_g5"] * 2, None),
    ("FBtr0070604 type=mRNA; parent=FBgn0029512; name=Aos1-RA;", "FBtr0070604", "FBgn0029512", "Aos1", None),
    (
        "hg38_ncbiRefSeq_NM_000546.6 range=chr17:7668422-7687550 5'pad=0 strand=-",
        *["NM_000546.6"] * 3,
        "chr17:7668421-7687550(-)",
    ),
    ("T1::chr1:100-131(+)", *["T1"] * 3, "chr1:100-131(+)"),
    ("T1 gene=G1 gene_name=S1 place=chr1:100-131,200-220(-) region=3utr", "T1", "G1", "S1", "chr1:100-131,200-220(-)"),
    ("T1|G1|S1::chr1:100-131(-)", "T1", "G1", "S1", "chr1:100-131(-)"),
    ("ENST01 cdna chromosome:GRCh38:19:11:20:-1 gene:ENSG01", "ENST01", "ENSG01", "ENSG01", "19:10-20(-)"),
    ("AT1G01010.1 | Symbols: NAC001", "AT1G01010.1", "AT1G01010", "NAC001", None),
    (
        "AT1G01010.1 | Symbols: ANAC001, NAC001 | NAC domain containing protein 1 | chr1:3631-5899 FORWARD LENGTH=1688",
        *("AT1G01010.1", "AT1G01010", "ANAC001", "chr1:3630-5899(+)"),
    ),
    ("AT1G01020.2 | Symbols:  | ARV1 | Chr1:6788-9130 REVERSE", "AT1G01020.2", *["AT1G01020"] * 2, "Chr1:6787-9130(-)"),
    ("AT1G01010.1 pacid=37398851 locus=AT1G01010 ID=AT1G01010.1.TAIR10", "AT1G01010.1", *["AT1G01010"] * 2, None),
    ("ENST00000269305.9 | ENSG00000141510.18 | TP53 | tumor protein", "ENST00000269305.9", "ENSG00000141510.18", "TP53", None),
    ("ENSG00000141510 | ENST00000269305", "ENST00000269305", *["ENSG00000141510"] * 2, None),
    ("T1 | hypothetical | protein", *["T1"] * 3, None),
    ("ENSG00000141510|ENST00000269305|7668422;7669609|TP53", "ENST00000269305", "ENSG00000141510", "TP53", None),
    ("ENST00000456328.2_1|ENSG00000290825.1_2|DDX11L2", "ENST00000456328.2_1", "ENSG00000290825.1_2", "DDX11L2", None),
    ("hg38_knownGene_ENST00000269305.9_3 range=chr17:7-20 5'pad=0 strand=+", *["ENST00000269305.9_3"] * 3, "chr17:6-20(+)"),
    ("chr1:100-131(-)", *["chr1:100-131(-)"] * 4),
    ("chr1:100-131", *["chr1:100-131"] * 3, "chr1:100-131(.)"),
    (
        "FBtr0071763 type=three_prime_untranslated_region; loc=2R:63505..63896; name=CG1234-RA; parent=FBgn0012345; species=Dmel;",
        *("FBtr0071763", "FBgn0012345", "CG1234", "2R:63504-63896(+)"),
    ),
    (
        "FBtr0070604 type=mRNA; loc=X:complement(join(100..200,300..350,380..400)); name=l(1)G0156-RB; parent=FBgn0029512;",
        *("FBtr0070604", "FBgn0029512", "l(1)G0156", "X:99-200,299-350,379-400(-)"),
    ),
    (
        "FBtr0081624 loc=3R:join(100..200,300..400); name=abd-A-RA; parent=FBgn0000014;",
        "FBtr0081624",
        "FBgn0000014",
        "abd-A",
        "3R:99-200,299-400(+)",
    ),
]


@pytest.mark.parametrize(("header", "transcript", "gene", "symbol", "place"), CASES)
def test_parse_header__known_sources(header, transcript, gene, symbol, place):
    found = parse_header(header)
    assert (found.transcript, found.gene, found.symbol, found.place and str(found.place)) == (transcript, gene, symbol, place)


def test_header_reader__own_expression():
    read = header_reader(r"^(?P<gene>\w+)/(?P<transcript>\w+)")
    assert (read("G7/T9 x", "f, line 1").transcript, read("G7/T9 x", "f, line 1").gene) == ("T9", "G7")
    assert header_reader(r"(?P<transcript>[^,]*)")("T9 , x", "f, line 1").transcript == "T9"
    with pytest.raises(InputError, match=r"f.fa, line 3: --header .* finds no transcript in 'T9'; expected it to fit every record"):
        read("T9", "f.fa, line 3")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "not a regular expression"),
        ("(?P<gene>.*)", r"no group \(\?P<transcript>"),
        ("(?P<transcript>.)(?P<Gene>.)", "group 'Gene' is unknown"),
    ],
)
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


def test_parse_header__places_of_samtools_are_one_longer_than_they_look():
    """`samtools faidx x.fa chr1:100-131` gives 32 nt, `bedtools getfasta` of the same numbers 31."""
    place = parse_header("chr1:100-131").place
    assert str(place.of_length(32)) == "chr1:99-131(.)"
    assert str(place.of_length(31)) == "chr1:100-131(.)"
