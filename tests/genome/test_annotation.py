"""Annotations of every source give the same transcript; what is wrong with one is one line with its number."""

import gzip

import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.genome.annotation import read_annotation
from mirscan.genome.regions import cut_region
from mirscan.notices import Notices

# One transcript on chr1 +, exons 101-200 and 301-400 (1-based), coding 151-330 with its stop codon 328-330, as each source writes it.
ENSEMBL = (
    'gene_id "ENSG00000000001"; gene_version "5"; transcript_id "ENST00000000001"; transcript_version "3"; gene_name "AB1"; '
    'gene_biotype "protein_coding"; transcript_biotype "protein_coding"; tag "basic"; tag "Ensembl_canonical";'
)
GENCODE = (
    'gene_id "ENSG00000000001.5"; transcript_id "ENST00000000001.3"; gene_type "protein_coding"; gene_name "AB1"; '
    'transcript_type "protein_coding"; level 2; tag "basic"; tag "MANE_Select"; tag "CCDS";'
)
FLYBASE = 'gene_id "FBgn0000001"; gene_symbol "AB1"; transcript_id "FBtr0000001"; transcript_symbol "AB1-RA";'
UCSC = 'gene_id "AB1"; transcript_id "NM_000001.2";  gene_name "AB1";'
REFSEQ_GTF = 'gene_id "AB1"; transcript_id "NM_000001.2"; db_xref "GeneID:1"; gbkey "mRNA"; gene "AB1"; orig_transcript_id "gnl|x|y";'
EXONS = [("exon", 101, 200), ("exon", 301, 400)]
CDS_WITHOUT_STOP = [("CDS", 151, 200), ("CDS", 301, 327), ("stop_codon", 328, 330)]


def gtf(attributes: str, rows, contig: str = "chr1", strand: str = "+") -> str:
    return "".join(f"{contig}\tsource\t{kind}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n" for kind, start, end in rows)


def gff3(rows, contig: str = "chr1") -> str:
    lines = (f"{contig}\tsource\t{kind}\t{start}\t{end}\t.\t+\t.\t{attributes}\n" for kind, start, end, attributes in rows)
    return "##gff-version 3\n" + "".join(lines)


REFSEQ_GFF3 = [
    ("region", 1, 9000, "ID=NC_1:1..9000;Name=1"),
    ("gene", 101, 400, "ID=gene-AB1;Dbxref=GeneID:1;Name=AB1;gbkey=Gene;gene=AB1;gene_biotype=protein_coding"),
    ("mRNA", 101, 400, "ID=rna-NM_000001.2;Parent=gene-AB1;Name=NM_000001.2;gbkey=mRNA;gene=AB1;tag=MANE Select;transcript_id=NM_000001.2"),
    ("exon", 101, 200, "ID=exon-NM_000001.2-1;Parent=rna-NM_000001.2;gbkey=mRNA"),
    ("exon", 301, 400, "ID=exon-NM_000001.2-2;Parent=rna-NM_000001.2;gbkey=mRNA"),
    ("CDS", 151, 200, "ID=cds-NP_1;Parent=rna-NM_000001.2;protein_id=NP_1"),
    ("CDS", 301, 330, "ID=cds-NP_1;Parent=rna-NM_000001.2;protein_id=NP_1"),
]
ENSEMBL_GFF3 = [
    ("gene", 101, 400, "ID=gene:ENSG00000000001;Name=AB1;biotype=protein_coding;gene_id=ENSG00000000001;version=5"),
    (
        "mRNA",
        101,
        400,
        "ID=transcript:ENST00000000001;Parent=gene:ENSG00000000001;biotype=protein_coding;tag=basic,Ensembl_canonical;"
        "transcript_id=ENST00000000001",
    ),
    ("five_prime_UTR", 101, 150, "Parent=transcript:ENST00000000001"),
    *(("exon", start, end, "Parent=transcript:ENST00000000001;Name=ENSE1") for _, start, end in EXONS),
    ("CDS", 151, 200, "ID=CDS:ENSP1;Parent=transcript:ENST00000000001"),
    ("CDS", 301, 330, "ID=CDS:ENSP1;Parent=transcript:ENST00000000001"),
    ("three_prime_UTR", 331, 400, "Parent=transcript:ENST00000000001"),
]
TAIR_GFF3 = [
    ("gene", 101, 400, "ID=AT1G00001;Note=protein_coding_gene;Name=AB1"),
    ("mRNA", 101, 400, "ID=AT1G00001.1;Parent=AT1G00001;Name=AT1G00001.1;Index=1"),
    ("protein", 151, 330, "ID=AT1G00001.1-Protein;Name=AT1G00001.1;Derives_from=AT1G00001.1"),
    *(("exon", start, end, "Parent=AT1G00001.1") for _, start, end in EXONS),
    ("five_prime_UTR", 101, 150, "Parent=AT1G00001.1"),
    ("CDS", 151, 200, "Parent=AT1G00001.1,AT1G00001.1-Protein;"),
    ("CDS", 301, 330, "Parent=AT1G00001.1,AT1G00001.1-Protein;"),
    ("three_prime_UTR", 331, 400, "Parent=AT1G00001.1"),
]
SOURCES = {
    "Ensembl GTF": (gtf(ENSEMBL, [*EXONS, *CDS_WITHOUT_STOP, ("three_prime_utr", 331, 400)]), "ENST00000000001", "ENSG00000000001", 2),
    # GENCODE counts the stop codon to the UTR.
    "GENCODE GTF": (
        gtf(GENCODE, [*EXONS, *CDS_WITHOUT_STOP, ("UTR", 101, 150), ("UTR", 328, 400)]),
        "ENST00000000001.3",
        "ENSG00000000001.5",
        0,
    ),
    "FlyBase GTF": (
        gtf(FLYBASE, [("mRNA", 101, 400), *EXONS, *CDS_WITHOUT_STOP, ("3UTR", 331, 400)]),
        "FBtr0000001",
        "FBgn0000001",
        99,
    ),
    "UCSC genePred": (gtf(UCSC, [("transcript", 101, 400), *EXONS, *CDS_WITHOUT_STOP]), "NM_000001.2", "AB1", 99),
    "RefSeq GTF": (gtf(REFSEQ_GTF, [*EXONS, *CDS_WITHOUT_STOP]), "NM_000001.2", "AB1", 99),
    "RefSeq GFF3": (gff3(REFSEQ_GFF3), "NM_000001.2", ["gene", "AB1"][1], 0),
    "Ensembl GFF3": (gff3(ENSEMBL_GFF3), "ENST00000000001", "ENSG00000000001", 2),
    "TAIR GFF3": (gff3(TAIR_GFF3), "AT1G00001.1", "AT1G00001", 99),
    "BED12": ("chr1\t100\t400\tNM_1|G1|AB1\t0\t+\t150\t330\t0\t2\t100,100,\t0,200,\n", "NM_1", "G1", 99),
    "exons unsorted, minus last": (gtf(UCSC, [*EXONS[::-1], *CDS_WITHOUT_STOP[::-1]]), "NM_000001.2", "AB1", 99),
    "UTR features without exons": (
        gtf(UCSC, [("five_prime_utr", 101, 150), ("CDS", 151, 200), ("CDS", 301, 330), ("three_prime_utr", 331, 400)]),
        "NM_000001.2",
        "AB1",
        99,
    ),
}


def read(tmp_path, text: str, **options):
    path = tmp_path / "genes.gtf"
    path.write_text(text)
    return read_annotation(path, use_cache=False, **options)


def blocks(annotation, region: str) -> list[list[tuple[int, int]]]:
    cut = cut_region(annotation, region)
    pairs = list(zip(cut.start.tolist(), cut.end.tolist(), strict=True))
    return [pairs[first:last] for first, last in zip(cut.first[:-1], cut.first[1:], strict=True)]


@pytest.mark.parametrize("source", SOURCES)
def test_read_annotation__every_source_gives_the_same_regions(tmp_path, source):
    text, name, gene, rank = SOURCES[source]
    found = read(tmp_path, text)
    assert (found.names.to_pylist(), found.genes.to_pylist(), found.symbols.to_pylist()) == ([name], [gene], ["AB1"])
    assert found.rank.tolist() == [rank]
    assert blocks(found, "5utr") == [[(100, 150)]]
    assert blocks(found, "cds") == [[(150, 200), (300, 330)]]
    assert blocks(found, "3utr") == [[(330, 400)]]
    assert blocks(found, "transcript") == [[(100, 200), (300, 400)]]


def test_read_annotation__minus_strand_turns_the_ends_round(tmp_path):
    # The stop codon of a minus strand has the lowest coordinates.
    rows = [*EXONS, ("CDS", 174, 200), ("CDS", 301, 330), ("stop_codon", 171, 173)]
    found = read(tmp_path, gtf(UCSC, rows, strand="-"))
    assert blocks(found, "3utr") == [[(100, 170)]]
    assert blocks(found, "5utr") == [[(330, 400)]]


def test_read_annotation__stop_codon_that_is_split_by_an_intron(tmp_path):
    rows = [*EXONS, ("CDS", 151, 198), ("stop_codon", 199, 200), ("stop_codon", 301, 301)]
    assert blocks(read(tmp_path, gtf(UCSC, rows)), "3utr") == [[(301, 400)]]


def test_read_annotation__intron_in_the_utr(tmp_path):
    rows = [*EXONS, ("exon", 501, 600), ("CDS", 151, 200), ("CDS", 301, 330)]
    assert blocks(read(tmp_path, gtf(UCSC, rows)), "3utr") == [[(330, 400), (500, 600)]]


def test_read_annotation__non_coding_has_no_utr_and_biotype_tells_lncrna(tmp_path):
    text = gtf(GENCODE.replace("protein_coding", "lncRNA"), EXONS) + gtf(GENCODE.replace("T00000000001", "T00000000002"), EXONS)
    found = read(tmp_path, text)
    assert blocks(found, "3utr") == [[], []]
    assert blocks(found, "lncrna") == [[(100, 200), (300, 400)], []]
    with pytest.raises(InputError, match=r"names no biotypes.*--region transcript"):
        cut_region(read(tmp_path, gtf(UCSC, EXONS)), "lncrna")


def test_read_annotation__bare_ids_group_features_and_are_told(tmp_path):
    notices = Notices()
    text = gtf("FBgn1", [("CDS", 151, 200), ("three_prime_UTR", 201, 220), ("three_prime_UTR", 301, 330)])
    found = read(tmp_path, text, notices=notices)
    assert (found.names.to_pylist(), blocks(found, "3utr")) == (["FBgn1"], [[(200, 220), (300, 330)]])
    assert [str(notice) for notice in notices] == [
        "1 id stands alone in column 9 of the annotation and was taken for the transcript (FBgn1)"
    ]


def test_read_annotation__twins_on_x_and_y_are_two_transcripts(tmp_path):
    text = gtf(UCSC, EXONS, "chrX") + gtf(UCSC, EXONS, "chrY")
    assert read(tmp_path, text).names.to_pylist() == ["NM_000001.2", "NM_000001.2_PAR_Y"]
    two = "".join(f"{contig}\t100\t400\tNM_1\t0\t+\t150\t330\t0\t2\t100,100\t0,200\n" for contig in ("chrX", "chrY"))
    assert read(tmp_path, two).names.to_pylist() == ["NM_1", "NM_1_dup1"]


BED = "chr1\t100\t400\tNM_1\t0\t+\t150\t330\t0\t2\t100,100\t0,200\n"
GOOD = gtf(UCSC.replace("NM_000001.2", "good"), EXONS)
BAD = {
    "no transcript_id": (gtf('gene_id "AB1";', EXONS), "line 3: found 'gene_id \"AB1\";' in column 9; expected transcript_id"),
    "overlapping exons": (gtf(UCSC, [("exon", 101, 200), ("exon", 150, 300)]), "line 4: exon 150-300 of 'NM_000001.2' overlaps another"),
    "CDS outside exons": (gtf(UCSC, [*EXONS, ("CDS", 190, 210)]), "line 5: CDS 190-210 of 'NM_000001.2' does not lie within an exon"),
    "negative length": (gtf(UCSC, [("exon", 200, 101)]), "line 3: a feature of 'NM_000001.2' at 200-101; expected 1 <= start <= end"),
    "start at 0": (gtf(UCSC, [("exon", 0, 101)]), "line 3: a feature of 'NM_000001.2' at 0-101; expected 1 <= start"),
    "unknown strand": (gtf(UCSC, EXONS, strand="."), "line 3: strand '.' of 'NM_000001.2'; expected + or -"),
    "two strands": (
        gtf(UCSC, EXONS) + gtf(UCSC, [("exon", 501, 600)], strand="-"),
        "line 3: transcript 'NM_000001.2' lies on chr1 + and on chr1 - (trans-spliced?)",
    ),
    "no numbers": (gtf(UCSC, [("exon", "a", 101)]), "line 3: found 'a-101' for start and end; expected two whole numbers"),
    "beyond any contig": (gtf(UCSC, [("exon", 1, 10**30)]), "expected two whole numbers on a contig"),
    "eight fields": ("chr1\tsource\texon\t1\t2\t.\t+\t.\n", "line 3: 8 fields separated by tabs; expected 9"),
}
BAD_BED = {
    "blocks too long": (BED.replace("0,200", "0,210"), "blocks from 100 to 410 do not fit 100 to 400"),
    "1-based": (BED.replace("\t100\t400", "\t101\t400"), "blocks from 101 to 401 do not fit 101 to 400; expected them to begin and end"),
    "1-based hint": (BED.replace("\t100\t400", "\t101\t400"), "the start may be 1-based, and BED wants 0-based. Mend"),
    "count": (BED.replace("\t2\t100", "\t3\t100"), "3 blocks are said, 2 sizes and 2 starts given"),
    "thick": (BED.replace("\t330\t", "\t430\t"), "thick part 150-430 outside 100-400"),
    "overlap": (BED.replace("100,100", "250,100"), "exon 301-400 of 'NM_1' overlaps another"),
    "no numbers": (BED.replace("\t150\t", "\tx\t"), "no whole number"),
    "fields": (BED.replace("\t0,200\n", "\n"), "11 fields separated by tabs; expected 12"),
}


@pytest.mark.parametrize("kind", BAD)
def test_read_annotation__bad_lines_of_gtf(tmp_path, kind):
    text, message = BAD[kind]
    check_bad(tmp_path, GOOD + text, message, "good")


@pytest.mark.parametrize("kind", BAD_BED)
def test_read_annotation__bad_lines_of_bed12(tmp_path, kind):
    text, message = BAD_BED[kind]
    check_bad(tmp_path, BED.replace("NM_1", "good") + text, message, "good")


def check_bad(tmp_path, text: str, message: str, good: str):
    """An error of one line without --skip-bad; with it what is good remains and the rest is counted."""
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert str(error.value).startswith(f"{tmp_path}/genes.gtf, line ")
    notices = Notices()
    assert read(tmp_path, text, skip_bad=True, notices=notices).names.to_pylist() == [good]
    assert [notice.what.endswith("were left out of the annotation") for notice in notices] == [True]


@pytest.mark.parametrize("source", ["GENCODE GTF", "TAIR GFF3", "BED12"])
@pytest.mark.parametrize("skip", [False, True])
def test_read_annotation__damage_anywhere_is_one_line_or_none(tmp_path, source, skip):
    rng = np.random.default_rng(4)
    whole = SOURCES[source][0].encode()
    n_read = 0
    for _ in range(150):
        data = bytearray(whole)
        for position in rng.integers(0, len(whole), rng.integers(1, 4)):
            data[position] = rng.choice(np.frombuffer(b'\t\n\0;,="-+x19 \xff', np.uint8))
        (tmp_path / "genes.gtf").write_bytes(data)
        try:
            read_annotation(tmp_path / "genes.gtf", use_cache=False, skip_bad=skip, notices=Notices())
            n_read += 1
        except InputError as error:
            assert "\n" not in str(error)
    assert 0 < n_read < 150


@pytest.mark.parametrize("text", ["", "# nothing\n", 'chr1\tsource\tgene\t1\t2\t.\t+\t.\tgene_id "G";\n'])
def test_read_annotation__without_transcripts(tmp_path, text):
    with pytest.raises(InputError, match=r"genes.gtf: (no transcript in it|its first feature has 0 fields)"):
        read(tmp_path, text)


def test_read_annotation__compressed_and_from_the_cache(tmp_path, monkeypatch):
    from mirscan.genome import annotation as module

    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    path = tmp_path / "genes.gtf.gz"
    path.write_bytes(gzip.compress((GOOD + gtf("", []) + SOURCES["GENCODE GTF"][0] + gtf('gene_id "x";', EXONS)).encode()))
    first, second = Notices(), Notices()
    made = read_annotation(path, skip_bad=True, notices=first)
    assert len(list((tmp_path / "cache" / "annotations").iterdir())) == 1
    monkeypatch.setattr(module, "_KEPT", 2)
    for number in range(3):
        other = tmp_path / f"{number}.gtf"
        other.write_text(gtf(UCSC, EXONS, contig=f"chr{number}"))
        read_annotation(other)
        read_annotation(path, skip_bad=True, notices=Notices())
    assert len(list((tmp_path / "cache" / "annotations").iterdir())) == 2
    monkeypatch.setattr(module, "_read", None)
    kept = read_annotation(path, skip_bad=True, notices=second)
    assert first.to_dict() == second.to_dict() != {}
    for name in ("names", "genes", "symbols", "biotypes", "contigs"):
        assert getattr(made, name).equals(getattr(kept, name))
    for name in ("strand", "rank", "line", "cds_start", "cds_end"):
        assert np.array_equal(getattr(made, name), getattr(kept, name))
    assert blocks(made, "3utr") == blocks(kept, "3utr")


@pytest.mark.parametrize("contig", ["track1", "browser_2"])
def test_read_annotation__contigs_that_begin_as_lines_of_a_browser(tmp_path, contig):
    for name, text in (
        ("a.gtf", gtf(UCSC, EXONS, contig)),
        ("a.bed", f"track name=x\n{contig}\t100\t200\tT1\t0\t+\t0\t0\t0\t1\t100,\t0,\n"),
    ):
        (tmp_path / name).write_text(text)
        assert set(read_annotation(tmp_path / name, use_cache=False).contigs.to_pylist()) == {contig}


def test_read_annotation__other_encodings_and_blanks(tmp_path):
    path, notices = tmp_path / "a.gtf", Notices()
    text = gtf(UCSC, EXONS) + gtf(UCSC.replace("NM_000001.2", "T2").replace("AB1", "\u00e8"), EXONS)
    path.write_bytes(text.replace("AB1", "\u00e9").encode("latin-1"))
    annotation = read_annotation(path, notices=notices, use_cache=False)
    assert annotation.genes.to_pylist() == ["\u00e9", "\u00e8"]
    assert "4 lines are not UTF-8 and were read as Windows-1252 (Latin-1)" in " ".join(map(str, notices))
    path.write_text(gtf(UCSC.replace('name "AB1"', 'name "A\u200b1"'), EXONS), encoding="utf-8")
    with pytest.raises(InputError, match=r"a.gtf: name 'A.u200b1' holds U\+200B \(ZERO WIDTH SPACE\)"):
        read_annotation(path, use_cache=False)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.gtf", gtf(UCSC, [("exon", 101, 2 * 10**30)]), r"line 1: found '101-2000\d+' for start and end; expected two whole numbers"),
        (
            "a.bed",
            f"chr1\t{10**30}\t200\tT1\t0\t+\t0\t0\t0\t1\t100,\t0,\n",
            r"line 1: start 10+ and end 200; expected 0 <= start < end on a contig",
        ),
        ("a.gtf", gtf(UCSC, EXONS, strand="\u00f8"), r"line 1: strand '\u00f8' of 'NM_000001.2'; expected \+ or -"),
        ("a.gtf", gtf(UCSC.replace("NM_", "NM\t"), EXONS), r"a.gtf: name 'NM.t000001.2' holds U\+0009"),
    ],
)
def test_read_annotation__fields_that_cannot_be_what_they_should(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=message):
        read_annotation(tmp_path / name, use_cache=False)
