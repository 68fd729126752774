"""Gene maps as databases, R and spreadsheets write them: the same genes come out, or one line says why not."""

import pytest

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.gene_map import read_gene_table
from mirscan.sequence.transcriptome import read_transcriptome

FASTA = ">t1\nAC\n>t2.5\nAC\n>t3\nAC\n"


def found_in(folder, text, fasta=FASTA):
    """(genes, symbols, notices by their text) of a FASTA with this map."""
    (folder / "utr.fa").write_text(fasta)
    (folder / "map").write_text(text, encoding="utf-8")
    notices = Notices()
    transcriptome = read_transcriptome(folder / "utr.fa", gene_map=folder / "map", notices=notices)
    return transcriptome.genes.to_pylist(), transcriptome.symbols.to_pylist(), [str(notice) for notice in notices]


@pytest.mark.parametrize(
    "text",
    [
        "transcript_id\tgene_id\tgene_name\nt1.2\tG1\tTP53\nt2\tG2\tNA\n",
        '"Transcript stable ID","Gene stable ID","Gene name"\n"t1.2","G1","TP53"\n"t2","G2",""\n',
        "t1.2;G1;TP53\r\nt2;G2;\r\nt9;;\r\n",
        "Gene stable ID,Transcript stable ID version,Chromosome,Gene name\nG1,t1.2,17,TP53\nG2,t2.5,X,\n",
        '"tx" "gene" "symbol"\n"1" "t1.2" "G1" "TP53"\n"2" "t2" "G2" NA\n',
        '"" "TXNAME" "GENEID" "SYMBOL"\n"1" "t1.2" "G1" "TP53"\n"2" "t2" "G2" NA\n',
        '"","tx_name","gene_id","symbol"\n"1","t1.2","G1","TP53"\n"2","t2","G2",NA\n',
        '"gene" "symbol"\n"t1.2" "G1" "TP53"\n"t2" "G2" NA\n',
        '"1"  "t1.2"  "G1"  "TP53"\n"2"  "t2"    "G2"  NA\n"3" "t9" "G9" NA\n',
        "G1\tt1.2\tTP53\nG2\tt2\t\n",
        "t1.2\tG1\tTP53\tprotein; binds DNA, twice\nt2\tG2\t\tunknown\n",
        'tx,gene,symbol,text\nt1.2,G1,TP53,"binds; and, cuts"\nt2,G2,,"a; b"\n',
        "tx,gene,symbol,text\nt1.2,G1,TP53,binds; cuts\nt2,G2,,b\n",
        't1.2;G1;TP53;"binds, cuts"\nt2;G2;;"a, b"\n',
        "t1.2,G1,TP53,binds; cuts well\nt2,G2,,a; b\n",
        "#tax_id\tGeneID\tRNA_nucleotide_accession.version\tSymbol\n9606\tG1\tt1.2\tTP53\n9606\tG2\tt2.5\t-\n9606\tG7\t-\tX\n",
        "# from release 100\n\nt1.2|G|more|\tG1\tTP53\nt2\tG2\n",
        "t1.2\tchr17\tG1\tTP53\nt2\tchr3\tG2\t\n",
        "\ufefftx\tgene\tsymbol\rt1.2\tG1\tTP53\rt2\tG2\tNULL\r",
    ],
)
def test_gene_map__as_people_make_it(tmp_path, text):
    genes, symbols, said = found_in(tmp_path, text)
    assert (genes, symbols) == (["G1", "G2", "t3"], ["TP53", "G2", "t3"])
    assert said[-2:] == [
        "2 transcripts have their gene from the gene map (first: t1)",
        "1 transcript is not in the gene map and keeps the names of its headers (t3)",
    ]


def test_gene_map__stable_ids_say_which_column_is_the_gene(tmp_path):
    fasta = ">ENST00000269305.9\nAC\n>ENST00000413465\nAC\n"
    text = "TP53\tprotein_coding\tENSG00000141510.18\tENST00000269305.8\nTP53\tlncRNA\tENSG00000141510\tENST00000413465.2_1\n"
    genes, symbols, said = found_in(tmp_path, text, fasta)
    assert genes == ["ENSG00000141510.18", "ENSG00000141510"] and symbols == ["TP53"] * 2
    assert said[0] == "1 transcript has another version in the gene map (ENST00000269305.9)"


def test_gene_map__exons_of_ucsc_are_of_their_transcript(tmp_path):
    fasta = ">ENST00000269305.9_0\nAC\n>ENST00000269305.9_utr3_1_0_chr17_7668422_r\nAC\n>NM_000546_3\nAC\n"
    genes, _, said = found_in(tmp_path, "ENST00000269305.8\tG0\nENST00000269305.9\tG1\nNM_000546\tG2\n", fasta)
    assert genes == ["G1", "G1", "G2"]
    assert said == ["3 transcripts have their gene from the gene map (first: ENST00000269305.9_0)"]


def test_gene_map__numbers_behind_a_dot_are_versions_of_stable_ids_only(tmp_path):
    """F00.1 and F00.3 of a worm are genes of one cosmid, not versions."""
    assert found_in(tmp_path, "F00.1\tG1\nt\tG\n", ">F00.3\nAC\n>t\nAC\n")[0] == ["F00.3", "G"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("t1\tG1\tA\nt1\tG1\tB\n", "1 row of the gene map gives a transcript another symbol; the first is kept (t1: A, not B)"),
        (
            "t1.1\tG1\tA\nt1.2\tG2\tB\n",
            "1 transcript has versions of other genes or symbols in the gene map; the highest counts (t1: G2)",
        ),
        ("t1\t\nt3\tG3\n", "1 row of the gene map names no gene and was left out (t1)"),
        *(
            (
                f"t1\tG1\t{date}\n",
                f"1 symbol of the gene map has the form of dates, as spreadsheets make of MARCH1 or SEPT2 ({date})",
            )
            for date in (
                *("Mar-01", "1-Mar", "01-Mar", "2001-03-01", "2001-03-01 00:00:00", "1-Sep", "Sep-02", "1-Dec", "4-Oct", "01.03.2001"),
                *("3/1/2001", "1. Mrz", "01. Sep", "2-sept.", "1-M\u00e4r", "1-d\u00e9c", "MARCH-01-2001".title()[:8], "1-Mar-01"),
                *("2001/3/1", "2001-03-01T00:00:00", "01-03-2001", "01MAR2001", "Mar 1, 2001", "2-\u0441\u0435\u043d", "9\u67082\u65e5"),
            )
        ),
        *(
            (
                f"t1\tG1\t{number}\n",
                f"1 symbol of the gene map has the form of numbers, as spreadsheets make of MARCH1 or 2310009E13Rik's clone ({number})",
            )
            for number in ("2.31E+19", "2,31E+19", "36951", "36951.0")
        ),
        ("t1\tG1\t#NAME?\n", "1 field of the gene map was lost to an error of a spreadsheet (#NAME?)"),
        (
            "t1\t7157.0\tTP53\n",
            "1 gene of the gene map was numbers with .0, as data frames make of Entrez ids; read without (7157.0)",
        ),
    ],
)
def test_gene_map__what_is_lost_or_chosen_is_said(tmp_path, text, said):
    assert said in found_in(tmp_path, text)[2]


@pytest.mark.parametrize(
    "symbol",
    [
        *("MARCH1", "MARC1", "SEPT2", "SEPTIN2", "DEC1", "OCT4", "MAR1", "H1-2", "H2AC1", "HLA-A", "NKX2-5", "MT-ND1", "1-8D", "E2F1"),
        *("14-3-3", "5-HTT", "4EBP1"),
    ],
)
def test_gene_map__names_are_no_dates(tmp_path, symbol):
    assert len(found_in(tmp_path, f"t1\tG1\t{symbol}\n")[2]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t1\tA\nu\tA\nt1\tB\n", "map, line 3: transcript 't1' has gene 'B' here and 'A' in line 1; expected one gene"),
        (
            'tx,gene\nt1,"A\nt3,B\nt9,"C\n',
            "map, line 2: found 't1,\"A' (unexpected end of data); expected a quote to be closed on its line",
        ),
        ('# a\n\ntx,gene\nt1,A\nt3,"B"C\n', "map, line 5: found 't3,\"B\"C'"),
        (
            "585 t1 chr1 + 100 S1 200\n",
            "genes unclear; expected transcript, gene and symbol in this order, or headings such as transcript_id",
        ),
        ("ENST00000269305\tt1\n", "2 columns, transcripts in column 2, genes unclear"),
        ('chr1\tX\texon\t1\t9\t.\t+\t.\tgene_id "G"; transcript_id "t1";\n', "line 1: is an annotation (GTF or GFF)"),
        ("transcript_id\tgene_id\nNM_1\tG\n", "none of its 1 row names a transcript and its gene of"),
        ("t1\tA\u00a0b\n", "line 1: name 'A\\xa0b' holds U+00A0 (NO-BREAK SPACE)"),
        ("tx\tgene\n", "no rows in it"),
    ],
)
def test_gene_map__what_cannot_be_read_is_one_line(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        found_in(tmp_path, text)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_read_gene_table__lines_are_those_of_the_file(tmp_path):
    (tmp_path / "map").write_text("# a\n\ntx,gene\n\nt1,A\n")
    table = read_gene_table(tmp_path / "map", Notices())
    assert table.heading == ["tx", "gene"] and table.rows == [(5, ["t1", "A"])]


def test_gene_map__decimal_numbers_are_entrez_ids(tmp_path):
    genes, _, _ = found_in(tmp_path, "tx,gene\nt1,7157.0\nt2,7157\n")
    assert genes[:2] == ["7157", "7157"]


def test_gene_map__without_symbols_keeps_those_of_the_same_gene(tmp_path):
    genes, symbols, _ = found_in(tmp_path, "t1\t7157\nt2\t8\n", ">t1|7157|TP53\nAC\n>t2|7|B\nAC\n")
    assert (genes, symbols) == (["7157", "8"], ["TP53", "8"])
