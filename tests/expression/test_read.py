import gzip

import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.expression.guides import read_guides
from mirscan.expression.ids import gene_ids, kind_of_ids
from mirscan.expression.studies import StudyFiles, read_study, read_study_files
from mirscan.expression.table import FOLD_CHANGES, LEVELS, read_expression, read_levels
from mirscan.notices import Notices
from mirscan.sequence.transcriptome import transcriptome_from_sequences

N = 60


def write(path, text: str):
    path.write_text(text)
    return path


def table_of(ids, columns: dict) -> str:
    rows = [[name, *(f"{values[row]}" for values in columns.values())] for row, name in enumerate(ids)]
    return "\n".join("\t".join(row) for row in [["", *columns], *rows]) + "\n"


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.5, N).round(3)


IDS = [f"NM_{number:06d}.2" for number in range(N)]


def test_read_expression__fold_changes_stay_as_they_are(tmp_path):
    path = tmp_path / "t.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("RefSeq ID,Gene symbol,miR-1,miR-2\nNM_1,ACAT1,-0.5,0.25\nNM_2,ACTB,NA,-1\nNM_3,TP53,1,0\n")
    table = read_expression(path)
    assert (table.experiments, table.kind) == (("miR-1", "miR-2"), FOLD_CHANGES)
    assert table.ids == (("NM_1", "NM_2", "NM_3"), ("ACAT1", "ACTB", "TP53"))
    assert np.array_equal(table.values, [[-0.5, 0.25], [np.nan, -1], [1, 0]], equal_nan=True)


def test_read_expression__levels_become_changes_against_the_mean(tmp_path):
    levels = {f"mir{k}": (5 + noise(k)).round(3) for k in range(3)}
    table = read_expression(write(tmp_path / "t.tsv", table_of(IDS, levels)))
    assert table.kind == LEVELS
    matrix = np.stack(list(levels.values()), axis=1)
    assert np.allclose(table.values, matrix - matrix.mean(axis=1, keepdims=True))


def test_read_expression__r_tables_lack_the_first_heading(tmp_path):
    table = read_expression(write(tmp_path / "t.tsv", "miR-1\tmiR-2\nNM_1\t-1\t2\nNM_2\t1\t-2\n"))
    assert table.ids[0] == ("NM_1", "NM_2")
    assert table.experiments == ("miR-1", "miR-2")


def test_read_expression__constant_columns_are_left_out_and_said(tmp_path):
    notices = Notices()
    text = table_of(IDS, {"a": noise(1), "b": np.zeros(N)})
    assert read_expression(write(tmp_path / "t.tsv", text), notices=notices).experiments == ("a",)
    assert "holds one value alone" in str(next(iter(notices)))


def test_read_expression__empty_columns_and_levels_are_said(tmp_path):
    notices = Notices()
    columns = {"a": 1 + noise(1), "b": 1 + noise(2), "c": 1 + noise(3), "d": ["NA"] * N}
    assert read_expression(write(tmp_path / "t.tsv", table_of(IDS, columns)), notices=notices).experiments == ("a", "b", "c")
    said = [str(notice) for notice in notices]
    assert said[0] == f"1 column holds no value and was left out (d of {tmp_path / 't.tsv'})"
    assert said[1].startswith(f"3 columns of {tmp_path / 't.tsv'} were taken for log2 levels, since their values lie about 1")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": np.arange(N) * 100}, "look like counts"),
        ({"a": 5 + noise(1), "b": 5 + noise(2)}, "levels, and 2 columns of them; expected fold changes, or levels of at least 3"),
        ({"a": 5 + noise(1)}, "levels, and 1 column of them"),
        ({"a": 2 ** noise(1), "b": 2 ** noise(2), "c": 2 ** noise(3)}, "values about 1 from .* look like plain ratios; expected log2 fold"),
        ({"a": np.zeros(N)}, "every column holds one value alone"),
        ({"a": ["word"] * N}, "no column of numbers"),
    ],
)
def test_read_expression__bad_tables_are_one_sentence(tmp_path, columns, message):
    with pytest.raises(InputError, match=message):
        read_expression(write(tmp_path / "t.tsv", table_of(IDS, columns)))


def test_read_expression__unknown_column_lists_the_known(tmp_path):
    path = write(tmp_path / "t.tsv", table_of(IDS, {"GSE1_a": noise(1), "GSE2_b": noise(2)}))
    assert read_expression(path, "GSE2*").experiments == ("GSE2_b",)
    with pytest.raises(InputError, match=r"no column is called GSE3\*; its experiments are GSE1_a, GSE2_b"):
        read_expression(path, "GSE3*")


def test_read_levels__joins_by_id_and_column(tmp_path):
    table = read_expression(write(tmp_path / "t.tsv", table_of(IDS, {"a": noise(1), "b": noise(2)})))
    levels = read_levels(write(tmp_path / "l.tsv", table_of(IDS[::-1][1:], {"b": np.arange(N - 1), "a": np.zeros(N - 1)})), table)
    assert levels[:2, 1].tolist() == [N - 2, N - 3]
    assert np.isnan(levels[-1]).all()


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (["ENSG00000141510.12"], "Ensembl genes (ENSG)"),
        (["ENST00000269305"], "Ensembl transcripts (ENST)"),
        (["NM_000546.6", "NR_1"], "RefSeq transcripts (NM_)"),
        (["7157"], "Entrez numbers"),
        (["TP53", "RP11-1.2"], "symbols"),
    ],
)
def test_kind_of_ids(ids, kind):
    assert kind_of_ids(ids) == kind


def transcriptome(n: int = N):
    names = [f"NM_{number:06d}" for number in range(n)]
    return transcriptome_from_sequences(names, ["ACGT"] * n, genes=[f"{1000 + number // 2}" for number in range(n)])


def test_gene_ids__find_genes_by_version_number_and_other_tables(tmp_path):
    joins = write(tmp_path / "ids.tsv", "ensg\tStart\tEntrez\n" + "".join(f"ENSG{k:011d}\t1001\t{1000 + k}\n" for k in range(N // 2)))
    genes = gene_ids(transcriptome(), [joins])
    assert genes.find([IDS], "t", "transcripts", Notices()).tolist() == [number // 2 for number in range(N)]
    notices = Notices()
    found = genes.find([[f"ENSG{k:011d}.3" for k in range(70)], ["1000"] * 70], "t", "transcripts", notices)
    # The first name decides; the second helps where it is not known.
    assert found.tolist() == [*range(N // 2), *[0] * 40]
    assert not list(notices)


def test_gene_ids__too_few_in_common_says_what_was_recognised():
    message = r"t.tsv: 0 of 60 genes are among the 60 transcripts; its ids are symbols such as 'GENE0', theirs RefSeq.*--ids"
    with pytest.raises(InputError, match=message):
        gene_ids(transcriptome()).find([[f"GENE{k}" for k in range(N)]], "t.tsv", "60 transcripts", Notices())


def test_gene_ids__of_one_kind_get_no_advice_about_kinds():
    message = r"10 of 60 genes .* its ids are RefSeq transcripts \(NM_\) such as 'NM_000050', theirs .* Expected at least 50$"
    with pytest.raises(InputError, match=message):
        gene_ids(transcriptome()).find([[f"NM_{k + 50:06d}" for k in range(N)]], "t.tsv", "60 transcripts", Notices())


GUIDES = (
    "mir\tguide_seq\tpass_seq\n"
    "cel-lsy-6\tTTTTGTATGAGACGCATTTCGA\tGAAATGCGTCTCATACAAAAAT\n"
    "hsa-let-7a\tTGAGGTAGTAGGTTGTATAGTT\tCTATACAACCTACTACCTTAAT\n"
    "hsa-miR-1\tTGGAATGTAAAGAAGTATGTAT\tACATACTTCTTTACATTCTAAT\n"
    "hsa-miR-124-3p\tUAAGGCACGCGGUGAAUGCCAA\tGGCATTCACCGCGTGCTTTAAT\n"
)


def test_read_guides__labels_may_leave_out_what_is_usual(tmp_path):
    guides = read_guides(write(tmp_path / "g.tsv", GUIDES), ["let7", "lsy6", "mir1", "mir124", "hsa-miR-1"])
    assert [guide.name for guide in guides] == ["hsa-let-7a", "cel-lsy-6", "hsa-miR-1", "hsa-miR-124-3p", "hsa-miR-1"]
    assert (guides[3].guide, guides[3].passenger) == ("TAAGGCACGCGGTGAATGCCAA", "GGCATTCACCGCGTGCTTTAAT")


def test_read_guides__fasta_will_do(tmp_path):
    path = write(tmp_path / "m.fa", ">hsa-miR-1-3p MIMAT\nUGGAAUGUAAAGAAGUAUGUAU\n")
    assert read_guides(path, ["hsa-miR-1-3p"])[0].guide == "TGGAATGTAAAGAAGTATGTAT"


def test_read_guides__a_missing_one_is_said(tmp_path):
    with pytest.raises(InputError, match="no miRNA for experiment 'mir9'; it has cel-lsy-6, hsa-let-7a"):
        read_guides(write(tmp_path / "g.tsv", GUIDES), ["mir9"])


def test_read_study__keeps_what_is_measured_and_expressed_everywhere(tmp_path):
    one, two = noise(1), noise(2)
    two[5] = np.nan
    write(tmp_path / "t.tsv", table_of(IDS * 2, {"let7": [*one, *one + 1], "mir1": [*two, *two + 3]}).replace("nan", "NA"))
    write(tmp_path / "l.tsv", table_of(IDS, {"let7": [1.0] + [3.0] * (N - 1), "mir1": [3.0] * N}))
    write(tmp_path / "g.tsv", GUIDES)
    write(tmp_path / "s.toml", '[[study]]\nname = "S"\ntable = "t.tsv"\nguides = "g.tsv"\nlevels = "l.tsv"\nmin_level = 2\n')
    files = read_study_files(tmp_path / "s.toml")
    notices = Notices()
    many = transcriptome_from_sequences([name[:-2] for name in IDS], ["ACGT"] * N)
    experiments = read_study(files[0], gene_ids(many), "transcripts", notices)
    used = [number for number in range(N) if number not in (0, 5)]
    assert [experiment.name for experiment in experiments] == ["let7", "mir1"]
    assert experiments[0].gene.tolist() == used
    assert np.allclose(experiments[0].change, one[used] - one[used].mean())
    assert [str(notice) for notice in notices] == [f"{N - 2} genes of S have several rows and got their mean"]


def test_read_study__genes_that_were_not_scanned_are_counted_and_one_value_for_the_others_is_refused(tmp_path):
    write(tmp_path / "g.tsv", GUIDES)
    known = gene_ids(transcriptome_from_sequences([name[:-2] for name in IDS[4:]], ["ACGT"] * (N - 4)))
    files, notices = StudyFiles("S", str(tmp_path / "t.tsv"), str(tmp_path / "g.tsv")), Notices()
    write(tmp_path / "t.tsv", table_of(IDS, {"let7": noise(1), "mir1": noise(2)}))
    assert read_study(files, known, "56 transcripts", notices)[0].gene.tolist() == list(range(N - 4))
    assert [str(notice) for notice in notices] == [f"4 genes of {files.table} are not among the 56 transcripts (first: {IDS[0]})"]
    write(tmp_path / "t.tsv", table_of(IDS, {"let7": noise(1), "mir1": [1.0] * 4 + [0.25] * (N - 4)}))
    with pytest.raises(InputError, match=r"t.tsv: mir1 is 0.25 for all 56 genes that count; leave it out"):
        read_study(files, known, "56 transcripts")


def test_read_study_files__unknown_and_missing_entries(tmp_path):
    with pytest.raises(InputError, match="study 1: no entry 'guides'"):
        read_study_files(write(tmp_path / "s.toml", '[[study]]\nname = "S"\ntable = "t"\n'))
    with pytest.raises(InputError, match="study 1: unknown entry 'colums'"):
        read_study_files(write(tmp_path / "s.toml", '[[study]]\nname = "S"\ntable = "t"\nguides = "g"\ncolums = "x"\n'))
    with pytest.raises(InputError, match=r"no \[\[study\]\] in it"):
        read_study_files(write(tmp_path / "s.toml", "x = 1\n"))


def test_read_study__few_genes_are_refused(tmp_path):
    write(tmp_path / "t.tsv", table_of(IDS[:55], {"let7": [*noise(1)[:40], *["NA"] * 15]}))
    write(tmp_path / "g.tsv", GUIDES)
    with pytest.raises(InputError, match="40 genes are measured in all of its experiments; expected at least 50"):
        read_study(StudyFiles("S", str(tmp_path / "t.tsv"), str(tmp_path / "g.tsv")), gene_ids(transcriptome()), "transcripts", Notices())
