"""Rows of a finished run: filters against plain Python over the run's own files, names as users type them, every format read back."""

import csv
import gzip
import io
import json
import os
import shutil
import subprocess

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import mirscan as ms
from mirscan.cli.main import app
from mirscan.errors import InputError, RunError
from mirscan.query.formats import render_text, to_tsv, write_file

PAIR = {"genes": ["ZEB2"], "mirnas": ["hsa-miR-200b-3p"]}


def run(*words) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["query", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def all_sites(out) -> list[dict]:
    return ds.dataset(out / "sites").to_table().to_pylist()


def all_genes(out) -> list[dict]:
    return pq.read_table(out / "genes.parquet").to_pylist()


def keys(rows) -> list[tuple]:
    return [(row["transcript"], row["start"], row["mirna"], row["seed"]) for row in rows]


def strength(row: dict) -> float:
    """Weights of the strongest sites, as many as do not overlap."""
    weights = (("n_8mer", 0.31), ("n_7mer_m8", 0.16), ("n_7mer_a1", 0.10), ("n_6mer", 0.02))
    sites = [weight for name, weight in weights for _ in range(row[name])]
    return round(sum(sites[: row["n_apart"]]), 6)


def test_strongest_pairs__are_those_that_the_scan_named(example):
    named = json.loads((example / "run.json").read_text())["result"]["top_pairs"]
    assert [strength(row) for row in ms.query_run(example, top=10).to_pylist()] == [strength(row) for row in named]


def test_pair__gives_its_sites_in_order(example):
    gene = next(row["gene"] for row in all_genes(example) if row["symbol"] == "ZEB2")
    expected = [row for row in all_sites(example) if (row["gene"], row["mirna"]) == (gene, "hsa-miR-200b-3p")]
    found = ms.query_run(example, **PAIR).to_pylist()
    assert len(found) == 8 and keys(found) == keys(expected)
    assert {row["symbol"] for row in found} == {"ZEB2"}


def test_mirna__gives_its_genes_strongest_first(example):
    found = ms.query_run(example, mirnas=["hsa-miR-200b-3p"]).to_pylist()
    expected = {row["gene"]: row for row in all_genes(example) if row["mirna"] == "hsa-miR-200b-3p"}
    assert {row["gene"]: row["n_sites"] for row in found} == {gene: int(row["n_sites"]) for gene, row in expected.items()}
    changes = [row["predicted_log2fc"] for row in found]
    assert changes == sorted(changes) and len(set(changes)) > 5


@pytest.mark.parametrize("top", [1, 7, 21, 500])
@pytest.mark.parametrize("mirnas", [[], ["miR-200b-3p"], ["let-7a-5p", "miR-34a-5p", "miR-145-5p"]])
def test_strongest__are_the_first_of_all_rows(example, mirnas, top):
    """The shortcut by rank, beside the order of all pairs."""
    assert ms.query_run(example, mirnas=mirnas, top=top).equals(ms.query_run(example, mirnas=mirnas).slice(0, top))


def test_scores__decide_the_order_and_the_cut(scored):
    found = ms.query_run(scored, sites=True, min_score=0.5, top=50).to_pylist()
    expected = sorted((row["score"] for row in all_sites(scored) if row["score"] >= 0.5), reverse=True)[:50]
    assert [row["score"] for row in found] == expected
    changes = ms.query_run(scored, top=20)["predicted_log2fc"].to_pylist()
    assert changes == sorted(changes)


@pytest.mark.parametrize(
    ("filters", "is_wanted"),
    [
        ({"types": ["8mer", "6mer"]}, lambda row: row["seed"] in ("8mer", "6mer")),
        ({"where": 'start > 500 AND "end" < 600'}, lambda row: row["start"] > 500 and row["end"] < 600),
        ({"mirnas": ["hsa-let-7*"], "types": ["7mer-m8"]}, lambda row: "let-7" in row["mirna"] and row["seed"] == "7mer-m8"),
    ],
)
def test_filters__as_python_says(example, filters, is_wanted):
    expected = [row for row in all_sites(example) if is_wanted(row)]
    assert expected and keys(ms.query_run(example, sites=True, **filters).to_pylist()) == keys(expected)


def test_place__is_one_based_and_inclusive(example):
    site = all_sites(example)[100]
    name, start, end = site["transcript"], site["start"], site["end"]
    for first, last, is_hit in ((end, end + 5, True), (end + 1, end + 5, False), (1, start + 1, True), (max(start, 1), start, False)):
        rows = ms.query_run(example, place=f"{name}:{first:,}-{last:,}").to_pylist()
        expected = [row for row in all_sites(example) if row["transcript"] == name and row["start"] < last and row["end"] >= first]
        assert keys(rows) == keys(expected)
        assert (keys([site])[0] in keys(rows)) is is_hit
    assert len(ms.query_run(example, place=name)) == sum(row["transcript"] == name for row in all_sites(example))


@pytest.mark.parametrize("word", ["ZEB2", "zeb2", "zeb2*", "9839", "NM_014795"])
def test_gene__by_symbol_id_or_transcript(example, word):
    rows = all_sites(example)
    gene = next(row["gene"] for row in all_genes(example) if row["symbol"] == "ZEB2")
    transcript = next(row["transcript"] for row in rows if row["gene"] == gene)
    word = {"9839": gene, "NM_014795": transcript}.get(word, word)
    assert set(ms.query_run(example, genes=[word])["gene"].to_pylist()) == {gene}


@pytest.mark.parametrize("word", ["hsa-miR-200b-3p", "HSA-MIR-200B-3P", "miR-200b-3p", "*200b*", "hsa\u2011miR\u2013200b\u22123p"])
def test_mirna__by_case_species_or_pattern(example, word):
    assert set(ms.query_run(example, mirnas=[word])["mirna"].to_pylist()) == {"hsa-miR-200b-3p"}


def test_names__from_a_file(example, tmp_path):
    (tmp_path / "names.txt").write_text("\ufeffZEB1\r\n\r\nZEB2\r\n", encoding="utf-8")
    assert set(ms.query_run(example, genes=[f"@{tmp_path / 'names.txt'}"])["symbol"].to_pylist()) == {"ZEB1", "ZEB2"}
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(InputError, match="holds no name"):
        ms.query_run(example, genes=[f"@{tmp_path / 'empty.txt'}"])


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"genes": ["ZEB22"]}, "--gene ZEB22: no symbol, gene or transcript of that name has a site in this run; near it: ZEB2"),
        ({"mirnas": ["miR-9999"]}, "--mirna miR-9999: no miRNA of that name"),
        ({"types": ["9mer"]}, "seed '9mer': not in this run; expected 8mer, 7mer-m8"),
        ({"place": "chr1:1-2"}, "no site on 'chr1'"),
        ({"place": ""} | {"regions": ["CDS"]}, "have no column 'region'"),
        ({"min_score": 0.5}, "scanned with --model none"),
        ({"where": "nothing > 1"}, "nothing"),
        ({"where": "1) OR (("}, "SQL: Parser Error"),
        ({"genes": ["@/nowhere"]}, "expected a text file"),
    ],
)
def test_bad_filters__are_one_line(example, filters, said):
    with pytest.raises(InputError) as raised:
        ms.query_run(example, **filters)
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_hostile_names__are_values_and_never_sql(tmp_path):
    gene, mirna = "g'; DROP TABLE sites; --", "m'\"%_*"
    (tmp_path / "mirs.fa").write_text(f">{mirna.split()[0]}\nUGAGGUAGUAGGUUGUAUAGUU\n")
    (tmp_path / "utr.fa").write_text(">tx'1\nACGTACGTCTACCTCAGGTT\n")
    (tmp_path / "map.tsv").write_text(f"transcript\tgene\tsymbol\ntx'1\t{gene}\tS'\n")
    ms.scan(tmp_path / "mirs.fa", tmp_path / "utr.fa", out=tmp_path / "out", model="none", gene_map=tmp_path / "map.tsv", threads=1)
    rows = ms.query_run(tmp_path / "out", genes=[gene], mirnas=[mirna.split()[0]]).to_pylist()
    assert [(row["transcript"], row["gene"], row["symbol"]) for row in rows] == [("tx'1", gene, "S'")]


def test_folder__that_is_no_finished_run(example, tmp_path):
    with pytest.raises(RunError, match="not a run of mirscan"):
        ms.query_run(tmp_path)
    shutil.copytree(example, tmp_path / "copy")
    (tmp_path / "copy" / "genes.parquet").write_text("cut")
    with pytest.raises(RunError, match="mirscan resume"):
        ms.query_run(tmp_path / "copy")
    (tmp_path / "copy" / "run.json").unlink()
    with pytest.raises(RunError, match="not finished"):
        ms.query_run(tmp_path / "copy")


def test_run__without_its_work_folder(example, tmp_path):
    shutil.copytree(example, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "work")
    assert ms.query_run(tmp_path / "copy", **PAIR).equals(ms.query_run(example, **PAIR))


def test_to_tsv__quotes_what_would_break_its_rows():
    table = pa.table({"a": ['x"y', "t\tu", "l\nm", "plain"], "b": [1, 2, None, 4]})
    read = list(csv.reader(io.StringIO(to_tsv(table).decode(), newline=""), delimiter="\t"))
    assert read == [["a", "b"], ['x"y', "1"], ["t\tu", "2"], ["l\nm", ""], ["plain", "4"]]
    assert to_tsv(table.slice(3)) == b"a\tb\nplain\t4\n"


def test_write_file__pipes_and_links_stay_what_they_are(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("before")
    (tmp_path / "link").symlink_to("file")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE)
    for name in ("pipe", "link"):
        write_file(b"rows", tmp_path / name)
    assert reader.communicate(timeout=60)[0] == b"rows" and (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "file").read_text() == "rows" and (tmp_path / "link").is_symlink()
    write_file(b"new", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "new" and len(list(tmp_path.iterdir())) == 3


def test_formats__say_the_same(example, tmp_path):
    words = (example, "--gene", "ZEB2", "--mirna", "miR-200b-3p")
    rows = ms.query_run(example, **PAIR).to_pylist()
    assert json.loads(run(*words, "--format", "json")[1]) == rows
    text = list(csv.DictReader(io.StringIO(run(*words, "--format", "tsv")[1]), delimiter="\t"))
    assert [{name: value or None for name, value in row.items()} for row in text] == [
        {name: None if value is None else str(value) for name, value in row.items()} for row in rows
    ]
    assert run(*words, "--out", tmp_path / "x.parquet")[1].startswith("written: ")
    assert pq.read_table(tmp_path / "x.parquet").to_pylist() == rows
    with gzip.open(example / "sites.bed.gz", "rt") as handle:
        lines = [line for line in handle if line.split("\t")[0] == rows[0]["transcript"] and line.split("\t")[3] == "hsa-miR-200b-3p"]
    assert run(*words, "--format", "bed")[1] == "".join(lines)


def test_text__says_once_what_is_the_same_and_that_it_was_cut(example):
    code, text, _ = run(example, "--mirna", "miR-200b-3p")
    lines = text.splitlines()
    assert code == 0 and "mirna hsa-miR-200b-3p" in lines[0] and "ZEB2" in lines[2]
    assert len(lines) == 23 and lines[-1].startswith("the 20 strongest; --top N")
    assert len(run(example, "--mirna", "miR-200b-3p", "--top", 3)[1].splitlines()) == 5
    assert run(example, "--sql", "SELECT 1 AS one WHERE false")[1] == "no rows\n"


def test_sql__is_a_select_over_both_tables(example):
    statement = "SELECT count(*) AS n FROM sites JOIN genes USING (gene, mirna, transcript)"
    assert json.loads(run(example, "--sql", statement, "--format", "json")[1]) == [{"n": len(all_sites(example))}]
    assert "expected a SELECT" in run(example, "--sql", " ")[2]
    assert "--sql stands beside other filters" in run(example, "--sql", "SELECT 1", "--gene", "ZEB2")[2]


def test_sql__gives_kinds_of_values_that_no_run_has(example):
    statement = "SELECT sum(n_sites) AS s, 'nan'::FLOAT AS x, DATE '2026-01-02' AS d, [1, 2] AS l, {'a': 1} AS t FROM genes"
    (row,) = json.loads(run(example, "--sql", statement, "--format", "json")[1])
    assert row == {"s": len(all_sites(example)), "x": None, "d": "2026-01-02", "l": [1, 2], "t": {"a": 1}}
    assert run(example, "--sql", statement, "--format", "tsv")[1].splitlines()[1].endswith("\t2026-01-02\t[1, 2]\t{'a': 1}")
    assert "2026-01-02" in run(example, "--sql", statement)[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--out", "x.doc"), "ending not understood"),
        (("--out", "/nowhere/x.tsv"), "expected a file in a folder"),
        (("--pairs", "--format", "bed"), "BED needs sites"),
    ],
)
def test_outputs__that_cannot_be(example, words, said):
    code, _, error = run(example, "--gene", "ZEB2", *words)
    assert code == 1 and said in error and error.count("\n") == 1


def test_text__a_narrow_terminal_goes_without_what_matters_less(scored):
    table = ms.query_run(scored, mirnas=["miR-34a-5p"], top=5)
    wide, narrow = list(render_text(table)), list(render_text(table, 80))
    assert max(map(len, narrow[1:-1])) <= 80 < max(map(len, wide[1:]))
    assert narrow[-1].startswith("too wide for this terminal: n_windows") and "predicted_log2fc" in narrow[1]
    assert [line.split()[0] for line in narrow[2:-1]] == table["symbol"].to_pylist()
