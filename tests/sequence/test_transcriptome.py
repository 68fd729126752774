import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.alphabet import N, decode
from mirscan.sequence.transcriptome import open_transcriptome, read_transcriptome, transcriptome_from_sequences


def write(folder, text, name="utr.fa"):
    path = folder / name
    path.write_text(text)
    return path


def sequences(transcriptome):
    return [decode(transcriptome.codes[b:e]) for b, e in zip(transcriptome.begin, transcriptome.end, strict=True)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("tx1", ("tx1", "tx1", "tx1")),
        ("tx1 some words", ("tx1", "tx1", "tx1")),
        ("NM_000546|7157|TP53|refseq_bed", ("NM_000546", "7157", "TP53")),
        ("tx1|geneA", ("tx1", "geneA", "geneA")),
        (
            "ENST00000456328.2|ENSG00000290825.1|OTTHUMG1|OTTHUMT1|DDX11L2-202|DDX11L2|1657|lncRNA|",
            ("ENST00000456328.2", "ENSG00000290825.1", "DDX11L2"),
        ),
        (
            "ENST00000419783.3 cdna chromosome:GRCh38:19:1:2:1 gene:ENSG00000105370.7 gene_biotype:protein_coding gene_symbol:LIM2",
            ("ENST00000419783.3", "ENSG00000105370.7", "LIM2"),
        ),
        ("rna0 gene=XYZ1 CDS=1-90", ("rna0", "XYZ1", "XYZ1")),
        ("lcl_1 [gene=ABC] [db_xref=1]", ("lcl_1", "ABC", "ABC")),
        ("gi|424037187|ref|NR_073460.1| Homo sapiens BMS1 homolog", ("NR_073460.1",) * 3),
        ('tx"><script>', ('tx"><script>',) * 3),
    ],
)
def test_read_transcriptome__header_rules(tmp_path, header, expected):
    transcriptome = read_transcriptome(write(tmp_path, f">{header}\nACGT\n"))
    assert (transcriptome.names[0].as_py(), transcriptome.genes[0].as_py(), transcriptome.symbols[0].as_py()) == expected


def test_read_transcriptome__packing_in_memory_and_on_disk(tmp_path):
    path = write(tmp_path, ">a|g1\nACGT\n>empty\n\n>b|g1\nTTT\nGG\n")
    memory = read_transcriptome(path)
    mapped = read_transcriptome(path, folder=tmp_path / "packed")
    memory.save(tmp_path / "saved")
    for transcriptome in (
        memory,
        mapped,
        open_transcriptome(tmp_path / "saved"),
        transcriptome_from_sequences("abc", ["ACGT", "", "TTTGG"]),
    ):
        assert sequences(transcriptome) == ["ACGT", "", "TTTGG"]
        assert (transcriptome.codes[transcriptome.begin - 1] == N).all() and (transcriptome.codes[transcriptome.end] == N).all()
        assert transcriptome.n_bases == 9
    assert isinstance(mapped.codes, np.memmap)
    assert mapped.genes.to_pylist() == ["g1", "empty", "g1"]


def test_read_transcriptome__gene_map_wins_with_and_without_version(tmp_path):
    fasta = write(tmp_path, ">t1.5|old\nAC\n>t2|old2\nAC\n>t3\nAC\n")
    gene_map = write(tmp_path, "# transcript gene symbol\nt1\tG1\tTP53\n\nt3\tG3\n", "map.tsv")
    transcriptome = read_transcriptome(fasta, gene_map=gene_map)
    assert transcriptome.genes.to_pylist() == ["G1", "old2", "G3"]
    assert transcriptome.symbols.to_pylist() == ["TP53", "old2", "G3"]


@pytest.mark.parametrize(
    ("fasta", "gene_map", "message"),
    [
        (">a\nAC\n>a\nGT\n", None, "line 3: name 'a' stands in"),
        (">my gene 1\nAC\n>my gene 2\nGT\n", None, "already with another sequence, here of 'my gene 2'"),
        (">T::chr1:0-2(+)\nAC\n>T::chr1:9-11(+)\nGT\n", None, "already with another sequence, here of 'T::chr1:9-11(+)'"),
        (">a\nAC\n", "b\tG\n", "none of its 1 row names a transcript and its gene of"),
        (">a\nAC\n", "a\tG\nb\n", "line 2: found 'b'"),
        (">a\nAC\n", "#\n", "no rows"),
        (">" + "n" * 300 + "\nAC\n", None, "a name of 300 letters"),
    ],
)
def test_read_transcriptome__bad_input(tmp_path, fasta, gene_map, message):
    path = write(tmp_path, fasta)
    map_path = gene_map and write(tmp_path, gene_map, "map.tsv")
    with pytest.raises(InputError) as caught:
        read_transcriptome(path, gene_map=map_path)
    assert message in str(caught.value)


def test_read_transcriptome__same_name_in_two_files(tmp_path):
    with pytest.raises(InputError, match="expected distinct names"):
        read_transcriptome([write(tmp_path, ">a\nAC\n", "1.fa"), write(tmp_path, ">a\nAG\n", "2.fa")])


def test_take__transcripts_in_the_order_asked_with_separators_between():
    transcriptome = transcriptome_from_sequences(["a", "b", "c"], ["ACG", "TTTT", "GG"], ["x", "y", "z"])
    taken = transcriptome.take(np.array([2, 0]))
    assert taken.names.to_pylist() == ["c", "a"] and taken.genes.to_pylist() == ["z", "x"]
    assert taken.codes.tolist() == [4, 2, 2, 4, 0, 1, 2, 4]
    assert taken.begin.tolist() == [1, 4] and taken.end.tolist() == [3, 7]


def found_in(tmp_path, fasta, gene_map=None):
    notices = Notices()
    map_path = gene_map and write(tmp_path, gene_map, "map.tsv")
    return read_transcriptome(write(tmp_path, fasta), gene_map=map_path, notices=notices), [str(notice) for notice in notices]


def test_read_transcriptome__gene_with_two_symbols_is_said(tmp_path):
    said = found_in(tmp_path, ">a|g|X\nAC\n>b|g|Y\nAC\n")[1]
    assert said == ["1 transcript gives its gene another symbol than the first (g: X and Y)"]


def test_read_transcriptome__unavailable_sequence_is_left_out(tmp_path):
    transcriptome, said = found_in(tmp_path, ">a\nSequence unavailable\n>b\nACGT\n")
    assert transcriptome.names.to_pylist() == ["b"]
    assert said == ["1 record says that its sequence is unavailable and was left out (a)"]


def test_read_transcriptome__place_of_a_header_is_kept_on_disk(tmp_path):
    path = write(tmp_path, ">T1::chr1:100-104(-)\nACGT\n>b\nACGT\n")
    assert read_transcriptome(path, folder=tmp_path / "packed").places.to_pylist() == ["chr1:100-104(-)", None]
