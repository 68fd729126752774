"""A pair drawn: windows and drawings against the FASTA files themselves, the strip and the picture against the sites."""

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pyarrow.dataset as ds
import pysam
import pytest
from typer.testing import CliRunner

import mirscan as ms
from mirscan.cli.main import app
from mirscan.errors import InputError, RunError
from mirscan.query.pair import open_pairs
from mirscan.query.pair_text import draw_strip, render_pair
from mirscan.report.pair_picture import draw_pair

EXAMPLES = Path(__file__).parents[2] / "examples"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def pairs(example):
    return open_pairs(ms.open_run(example))


@pytest.fixture(scope="module")
def transcripts() -> dict[str, str]:
    with pysam.FastxFile(str(EXAMPLES / "utrs.fa.gz")) as records:
        return {record.name.split("|")[0]: record.sequence.upper().replace("T", "U") for record in records}


def show(*words) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["show", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def rows_of_drawing(drawing: str) -> tuple[str, str, str]:
    """miRNA, symbols and target of a drawing, column by column."""
    mirna, symbols, target, _ = drawing.splitlines()
    first = mirna.index("3' ") + 3
    width = mirna.index(" 5'") - first
    return tuple(line[first : first + width].ljust(width) for line in (mirna, symbols, target))


@pytest.mark.parametrize(("gene", "mirna"), [("ZEB2", "hsa-miR-200b-3p"), ("SIRT1", "hsa-miR-34a-5p"), ("ZEB1", "hsa-miR-200b-3p")])
def test_pair__is_what_the_fasta_files_hold(pairs, transcripts, gene, mirna):
    pair = pairs.read(gene, mirna)
    sequence = transcripts[pair.row["transcript"]]
    assert pair.length == len(sequence) and len(pair.sites) == pair.row["n_sites"]
    for site in pair.sites:
        assert site.window == sequence[site.window_start : site.window_start + len(site.window)]
        last = int(site.drawing.splitlines()[2].split()[-1])
        shown = rows_of_drawing(site.drawing)[2].replace("-", "").strip()
        assert sequence[last - len(shown) : last] == shown


def test_drawing__pairs_the_whole_seed_of_every_kind_of_site(example, pairs):
    """What each canonical type means, read off the drawing of every such site of some miRNAs."""
    least = {"8mer": 7, "7mer-m8": 7, "7mer-A1": 6, "6mer": 6}
    genes = ds.dataset(example / "genes.parquet").to_table().to_pylist()
    rows = [row for row in genes if row["mirna"] in ("hsa-let-7a-5p", "hsa-miR-34a-5p")][:120]
    sites = pairs.sites_of(rows)
    drawn = [site for row in rows for site in pairs.describe(row, sites).sites]
    assert len(drawn) == sum(row["n_sites"] for row in rows) > 100
    for site in drawn:
        mirna, symbols, _ = rows_of_drawing(site.drawing)
        seed = [symbol for letter, symbol in zip(reversed(mirna), reversed(symbols), strict=True) if letter != "-"][1:8]
        assert seed[: least[site.row["seed"]]] == ["|"] * least[site.row["seed"]], site.drawing


def test_strip__has_a_mark_where_each_site_begins(pairs):
    pair = pairs.read("ZEB2", "hsa-miR-200b-3p")
    strip = draw_strip(pair)[0][3:83]
    expected = {site.row["start"] * 80 // pair.length for site in pair.sites}
    assert {column for column, mark in enumerate(strip) if mark != "-"} == expected
    assert strip.count("8") == sum(site.row["seed"] == "8mer" for site in pair.sites)


def test_scores_and_context__are_those_of_the_run(scored):
    pair = open_pairs(ms.open_run(scored)).read("ZEB2", "hsa-miR-200b-3p")
    for site in pair.sites:
        for name in ("local_au", "supplementary"):
            assert site.context[name] == pytest.approx(site.row[name])
        assert (site.window_start, len(site.window)) == (site.row["window_start"], site.row["window_end"] - site.row["window_start"])
    text = "\n".join(render_pair(pair))
    assert f"score {pair.sites[0].row['score']:.3f}" in text and f"combined_score {pair.row['combined_score']:.4g}" in text


def test_filters_of_a_scan__are_kept_when_its_sites_are_found_again(tmp_path):
    (tmp_path / "regions.bed").write_text("NM_001171653\t0\t1000\n")
    settings = {"regions": tmp_path / "regions.bed", "mask_start": 14, "seeds": "8mer,7mer-m8", "min_distance": 10}
    ms.scan(EXAMPLES / "mirnas.fa", EXAMPLES / "utrs.fa.gz", out=tmp_path / "out", model="none", threads=1, **settings)
    pair = open_pairs(ms.open_run(tmp_path / "out")).read("ZEB2", "hsa-miR-200b-3p")
    assert [site.row["start"] for site in pair.sites] == [391, 454, 812, 897]


def test_picture__is_svg_with_every_site_and_drawing(pairs):
    pair = pairs.read("ZEB2", "hsa-miR-200b-3p")
    root = ET.fromstring(draw_pair(pair))
    assert len(root.findall(f".//{SVG}rect/{SVG}title")) == len(pair.sites)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    for site in pair.sites:
        assert set(site.drawing.splitlines()) <= set(texts)


def test_picture__names_are_text(tmp_path):
    evil = "<script>alert(1)</script>&\"'"
    (tmp_path / "mirs.fa").write_text(">m<b>\nUGAGGUAGUAGGUUGUAUAGUU\n")
    (tmp_path / "utr.fa").write_text(">t<i>\nACGTACGTCTACCTCAGGTT\n")
    (tmp_path / "map.tsv").write_text(f"t<i>\tg\t{evil}\n")
    ms.scan(tmp_path / "mirs.fa", tmp_path / "utr.fa", out=tmp_path / "out", model="none", gene_map=tmp_path / "map.tsv", threads=1)
    root = ET.fromstring(draw_pair(open_pairs(ms.open_run(tmp_path / "out")).read("g", "m<b>")))
    assert not list(root.iter(f"{SVG}script")) and any(evil in (element.text or "") for element in root.iter(f"{SVG}text"))


def test_long_and_short_mirnas__are_drawn(tmp_path):
    (tmp_path / "mirs.fa").write_text(">long\nUGAGGUAGUAGGUUGUAUAGUUUGAGGUAGUAGGUUGUAU\n>short\nUGAGGUAG\n")
    (tmp_path / "utr.fa").write_text(">t1\nCTACCTCA\n")
    ms.scan(tmp_path / "mirs.fa", tmp_path / "utr.fa", out=tmp_path / "out", model="none", threads=1)
    reader = open_pairs(ms.open_run(tmp_path / "out"))
    for mirna in ("long", "short"):
        (site,) = reader.read("t1", mirna).sites
        assert site.window == "CUACCUCA" and "||||||||" in site.drawing


def test_command__text_picture_and_errors(example, tmp_path):
    code, text, _ = show("ZEB2", "miR-200b-3p", example, "--svg", tmp_path / "pair.svg")
    assert code == 0 and text.startswith("ZEB2 (9839) and hsa-miR-200b-3p on NM_001171653, 5,370 nt\n8 sites: 4 8mer")
    assert (tmp_path / "pair.svg").read_text().lstrip().startswith("<svg")
    assert "expected one" in show("ZEB*", "miR-200b-3p", example)[2]


def test_pair_without_a_site__is_one_line(example, pairs):
    genes = ds.dataset(example / "genes.parquet").to_table().to_pylist()
    with_site = {row["gene"] for row in genes if row["mirna"] == "hsa-miR-200b-3p"}
    without = next(row["gene"] for row in genes if row["gene"] not in with_site)
    with pytest.raises(InputError, match=f"{without} and hsa-miR-200b-3p: no site of this pair"):
        pairs.read(without, "hsa-miR-200b-3p")


def test_run_without_sequences__says_so(example, tmp_path):
    shutil.copytree(example, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "work")
    with pytest.raises(RunError, match="work/ is gone"):
        open_pairs(ms.open_run(tmp_path / "copy"))
