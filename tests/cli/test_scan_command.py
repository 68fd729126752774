"""`mirscan scan` as a user types it: what is printed, what lies in the folder, and one clear line for every kind of bad input."""

import gzip
import json
import re
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pysam
import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app

EXAMPLES = Path(__file__).parents[2] / "examples"
MIRNAS, UTRS = EXAMPLES / "mirnas.fa", EXAMPLES / "utrs.fa.gz"
MIRNA_TEXT = ">hsa-let-7a-5p\nUGAGGUAGUAGGUUGUAUAGUU\n"
UTR_TEXT = ">tx1|g1|SYM1\nACGTACGTCTACCTCAGGTT\n"


def run(*arguments) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def fails(*arguments) -> str:
    """The one line of an input error."""
    code, _, error = run(*arguments)
    assert code == 1, error
    assert error.startswith("mirscan: error: ") and error.count("\n") == 1, error
    return error


@pytest.fixture
def files(tmp_path):
    (tmp_path / "mirs.fa").write_text(MIRNA_TEXT)
    (tmp_path / "utr.fa").write_text(UTR_TEXT)
    return tmp_path


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    out = tmp_path_factory.mktemp("example") / "out"
    code, text, error = run("scan", "--mirnas", MIRNAS, "--utrs", UTRS, "--out", out, "--model", "none")
    assert code == 0, error
    return out, text


def test_scan__says_what_it_will_do_and_what_it_found(example):
    out, text = example
    assert "300 transcripts, 459,004 bases x 20 miRNAs" in text
    assert re.search(r"8mer +359 ", text)
    assert "ZEB2         hsa-miR-200b-3p" in text
    assert str(out / "sites.bed.gz") in text


def test_scan__files_agree_with_each_other(example):
    out, _ = example
    sites = pq.read_table(out / "sites").to_pandas()
    genes = pq.read_table(out / "genes.parquet").to_pandas()
    report = json.loads((out / "run.json").read_text())
    with gzip.open(out / "sites.bed.gz", "rt") as handle:
        bed = [line.split("\t") for line in handle]
    assert len(sites) == len(bed) == report["result"]["n_sites"] == genes.n_sites.sum() == 3447
    assert [(row[0], int(row[1]), int(row[2]), row[3]) for row in bed] == list(
        zip(sites.transcript, sites.start, sites.end, sites.mirna, strict=True)
    )
    assert sites.seed.value_counts().to_dict() == report["result"]["n_by_seed"]
    tsv = gzip.decompress((out / "genes.tsv.gz").read_bytes()).decode().splitlines()
    assert len(tsv) == len(genes) + 1 and tsv[0].split("\t") == list(genes.columns)


def test_scan__tabix_and_duckdb_read_the_results(example):
    out, _ = example
    with pysam.TabixFile(str(out / "sites.bed.gz")) as bed:
        name = bed.contigs[0]
        rows = [line.split("\t") for line in bed.fetch(name)]
    assert rows and all(row[0] == name and len(row) == 9 for row in rows)
    count = duckdb.sql(f"select count(*) from '{out}/sites/*.parquet' where transcript = '{name}'").fetchall()[0][0]
    assert count == len(rows)


def test_scan__every_8mer_is_in_the_sequence(example):
    from mirscan.sequence.alphabet import decode
    from mirscan.sequence.mirnas import read_mirnas
    from mirscan.sequence.transcriptome import read_transcriptome

    transcriptome, mirnas = read_transcriptome(UTRS), read_mirnas(MIRNAS)
    sequences = {
        name: decode(transcriptome.codes[b:e])
        for name, b, e in zip(transcriptome.names.to_pylist(), transcriptome.begin, transcriptome.end, strict=True)
    }
    partner = str.maketrans("ACGT", "TGCA")
    sites = pq.read_table(example[0] / "sites").to_pandas()
    found = {(row.transcript, row.start, row.mirna) for row in sites[sites.seed == "8mer"].itertuples()}
    expected = set()
    for index, name in enumerate(mirnas.names):
        word = mirnas.sequence(index)[1:8].translate(partner)[::-1] + "A"
        expected |= {
            (transcript, match.start(), name) for transcript, text in sequences.items() for match in re.finditer(f"(?={word})", text)
        }
    assert found == expected


@pytest.mark.parametrize(
    ("mirna_text", "utr_text", "message"),
    [
        ("", UTR_TEXT, "mirs.fa: no sequences"),
        (MIRNA_TEXT, "", "utr.fa: no sequences"),
        ("UGAGGUAGUAGG\n", UTR_TEXT, "mirs.fa, line 1: found 'UGAGGUAGUAGG' before the first header"),
        (MIRNA_TEXT + MIRNA_TEXT.replace("UGAGG", "UGACG"), UTR_TEXT, "line 3: name 'hsa-let-7a-5p' stands in line 1 already"),
        (MIRNA_TEXT, UTR_TEXT + UTR_TEXT.replace("ACGT", "ACGA"), "line 3: name 'tx1' stands in"),
        (MIRNA_TEXT, ">p1\nMKVLAAGIVGLPQE\n", "Is this a protein FASTA?"),
        (MIRNA_TEXT, ">t\nACGT\nACJT\n", "utr.fa, line 3: letter 'J' in 't'"),
        (">m\nACGUACG\n", UTR_TEXT, "miRNA 'm' has 7 nt; expected 8 to 40"),
        (">m\n" + "ACGUA" * 9 + "\n", UTR_TEXT, "miRNA 'm' has 45 nt; expected 8 to 40"),
    ],
)
def test_scan__bad_sequences(files, mirna_text, utr_text, message):
    (files / "mirs.fa").write_text(mirna_text)
    (files / "utr.fa").write_text(utr_text)
    error = fails("scan", "--mirnas", files / "mirs.fa", "--utrs", files / "utr.fa", "--out", files / "out", "--model", "none")
    assert message in error
    assert not (files / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--mirnas", "absent.fa"], "absent.fa: no such file or directory"),
        (["--species", "xyz"], "no miRNA of species 'xyz'; names there begin with hsa"),
        (["--seeds", "9mer"], "9mer"),
        (["--model", "best"], "model 'best'"),
        (["--gene-map", "absent.tsv"], "absent.tsv: no such file or directory"),
        (["--regions", "absent.bed"], "absent.bed: no such file or directory"),
        (["--min-score", "0.5"], "--min-score needs a model"),
        (["--mask-start", "-1"], "--mask-start -1"),
    ],
)
def test_scan__bad_options(files, options, message):
    defaults = {"--mirnas": files / "mirs.fa", "--utrs": files / "utr.fa", "--out": files / "out", "--model": "none"}
    merged = {**defaults, **dict(zip(options[::2], options[1::2], strict=True))}
    error = fails("scan", *[word for pair in merged.items() for word in pair])
    assert message in error
    assert not (files / "out").exists()


def test_scan__gzip_trouble(files):
    whole = gzip.compress((">t\n" + "ACGGT" * 5000 + "\n").encode(), mtime=0)
    (files / "cut.fa.gz").write_bytes(whole[: len(whole) // 2])
    (files / "plain.fa.gz").write_text(UTR_TEXT)
    for name, message in (("cut.fa.gz", "damaged gzip"), ("plain.fa.gz", "the name says gzip but the content is not")):
        error = fails("scan", "--mirnas", files / "mirs.fa", "--utrs", files / name, "--out", files / "out", "--model", "none")
        assert message in error
        assert not (files / "out").exists()


def test_scan__same_command_again_is_done_at_once_another_is_refused(files):
    command = ["scan", "--mirnas", files / "mirs.fa", "--utrs", files / "utr.fa", "--out", files / "out", "--model", "none"]
    assert run(*command)[0] == 0
    before = {path: path.stat().st_mtime_ns for path in (files / "out").rglob("*.parquet")}
    assert run(*command)[0] == 0
    assert before == {path: path.stat().st_mtime_ns for path in (files / "out").rglob("*.parquet")}
    error = fails(*command, "--seeds", "8mer")
    assert "seeds" in error and "--overwrite" in error
    assert run(*command, "--seeds", "8mer", "--overwrite")[0] == 0


def test_scan__foreign_folder_is_left_alone(files):
    (files / "out").mkdir()
    (files / "out" / "thesis.txt").write_text("mine")
    error = fails("scan", "--mirnas", files / "mirs.fa", "--utrs", files / "utr.fa", "--out", files / "out", "--model", "none")
    assert str(files / "out") in error
    assert [path.name for path in (files / "out").iterdir()] == ["thesis.txt"]


def test_scan__usage_error_is_exit_code_2():
    code, _, error = run("scan", "--mirnas", "x.fa")
    assert code == 2 and "--utrs" in error


def test_status__of_a_finished_run(example):
    code, text, _ = run("status", example[0])
    assert code == 0 and "finished, 1 of 1 part," in text and "3,447 sites" in text


def test_status_and_resume__of_something_else(tmp_path):
    assert "not a run of mirscan" in fails("status", tmp_path)
    assert "nothing to resume" in fails("resume", tmp_path)
