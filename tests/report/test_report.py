"""The page of a run, without a browser: its numbers against plain Python over the run's files, names as text, nothing from outside."""

import base64
import gzip
import importlib.util
import json
import re
import shutil
from collections import Counter, defaultdict
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from typer.testing import CliRunner

import mirscan as ms
from mirscan.cli.main import app
from mirscan.report import contents as contents_module
from mirscan.report.contents import Contents
from mirscan.report.packing import pack_table
from mirscan.report.page import make_page

from .conftest import EVIL, EXAMPLES

MAIN = Path(__file__).parents[2]


class Page(HTMLParser):
    """Tags with their attributes, and the text of each script by its id."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes, self.scripts = Counter(), [], defaultdict(str)
        self.text = self.style = ""
        self._script, self._is_style = None, False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        self.attributes += attributes
        self._script = dict(attributes).get("id", "code") if tag == "script" else None
        self._is_style = tag == "style"

    def handle_endtag(self, tag):
        self._script, self._is_style = None, False

    def handle_data(self, data):
        if self._is_style:
            self.style += data
        elif self._script is None:
            self.text += data
        else:
            self.scripts[self._script] += data


def unpack(text: str) -> list[dict]:
    packed = json.loads(gzip.decompress(base64.b64decode(text)))
    columns = {
        name: [column["names"][place] for place in column["index"]] if "names" in column else column["values"]
        for name, column in packed["columns"].items()
    }
    return [{name: values[row] for name, values in columns.items()} for row in range(packed["rows"])]


@pytest.fixture(scope="module")
def page(example) -> Page:
    return Page(make_page(ms.open_run(example)))


def sites_of(out) -> list[dict]:
    return ds.dataset(out / "sites").to_table().to_pylist()


def test_page__says_what_was_found(page, example):
    result = json.loads((example / "run.json").read_text())["result"]
    assert f"{result['n_sites']:,} sites of 20 miRNAs in 300 transcripts" in page.text.replace("\n", " ")
    assert "8mer: 359 sites" in page.text
    assert "no scores" in page.text and "combined score" not in page.text


def test_page__needs_nothing_from_outside(page):
    for name, value in page.attributes:
        assert name not in ("src", "data", "action") and not (name == "href" and not value.startswith("#")), (name, value)
    assert not page.tags.keys() & {"link", "iframe", "object", "embed", "img"}
    assert "prefers-color-scheme" in page.style and "@import" not in page.style
    assert all(target.strip("'\"").startswith("data:") for target in re.findall(r"url\(([^)]*)", page.style))


def test_names__are_text_and_never_html(evil, page):
    text = make_page(ms.open_run(evil))
    parsed = Page(text)
    assert parsed.tags.keys() - {"aside"} <= page.tags.keys() and parsed.tags["script"] == page.tags["script"]
    assert EVIL in parsed.text and "silent<i>" in parsed.text
    assert not any(name.startswith("on") for name, _ in parsed.attributes)
    rows = unpack(parsed.scripts["rows-mirna"])
    assert [(row["symbol"], row["mirna"]) for row in rows] == [(EVIL, "m</script><b>")]
    assert "</script><b>" not in text


def test_tables__hold_the_strongest_of_every_name(example, monkeypatch):
    monkeypatch.setattr(contents_module, "ROWS_BY_MIRNA", 100)
    found = Contents(ms.open_run(example)).strongest("mirna").to_pylist()
    assert Counter(row["mirna"] for row in found) == dict.fromkeys({row["mirna"] for row in found}, 5)
    for mirna in {row["mirna"] for row in found}:
        expected = ms.query_run(example, mirnas=[mirna], sites=False, top=5).to_pylist()
        kinds = ("n_8mer", "n_7mer_m8", "n_7mer_a1", "n_6mer", "n_apart")
        own = [[row[kind] for kind in kinds] for row in found if row["mirna"] == mirna]
        assert sorted(own) == sorted([row[kind] for kind in kinds] for row in expected)


def test_tables__of_a_small_run_hold_every_pair(page, example):
    pairs = {(row["symbol"], row["mirna"]): row for row in ds.dataset(example / "genes.parquet").to_table().to_pylist()}
    for of in ("mirna", "gene"):
        rows = unpack(page.scripts[f"rows-{of}"])
        assert len(rows) == len(pairs)
        assert all(row["n_8mer"] == pairs[row["symbol"], row["mirna"]]["n_8mer"] for row in rows)


def test_columns__are_those_that_say_something(example, scored):
    plain, full = ([column.name for column in Contents(ms.open_run(out)).columns()] for out in (example, scored))
    assert plain[:4] == ["symbol", "mirna", "predicted_log2fc", "n_sites"] and not {"n_other", "combined_score", "gene"} & set(plain)
    assert {"best_score", "combined_score"} <= set(full)
    data = json.loads(Page(make_page(ms.open_run(scored))).scripts["page-data"])
    assert [column["is_number"] for column in data["columns"]][:3] == [False, False, True]
    assert all(column["tip"] for column in data["columns"])


def test_density__by_hand(example):
    packed = ms.read_transcriptome(EXAMPLES / "utrs.fa.gz")
    lengths = dict(zip(packed.names.to_pylist(), packed.lengths.tolist(), strict=True))
    sites = [row for row in sites_of(example) if row["seed"] == "8mer"]
    places = [min(int((row["start"] + row["end"]) / 2 / lengths[row["transcript"]] * 20), 19) for row in sites]
    expected = {(piece + 0.5) / 20: count * 20 / len(places) for piece, count in Counter(places).items()}
    found = {row["place"]: row["density"] for row in Contents(ms.open_run(example)).density() if row["rule"] == "8mer"}
    assert found == pytest.approx(expected)


def test_scores__by_hand(scored):
    scores = [row["score"] for row in sites_of(scored) if row["seed"] == "6mer"]
    expected = {bin_ / 40: count / len(scores) for bin_, count in Counter(min(int(score * 40), 39) for score in scores).items()}
    found = {row["score"]: row["share"] for row in Contents(ms.open_run(scored)).scores() if row["rule"] == "6mer"}
    assert found == pytest.approx(expected)


def test_cards__few_of_a_name_with_their_strongest_sites(example):
    cards = Contents(ms.open_run(example)).cards()
    assert len(cards) == 30
    for name in ("gene", "mirna"):
        assert max(Counter(card.row[name] for card in cards).values()) <= 2
    assert cards[0].row["symbol"] == ms.query_run(example, top=1)["symbol"][0].as_py()


def test_silent_mirnas__are_named(evil):
    assert Contents(ms.open_run(evil)).silent_mirnas() == ["silent<i>"]


def test_run_without_its_work_folder__has_a_page_without_drawings(example, tmp_path):
    shutil.copytree(example, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "work")
    page = Page(make_page(ms.open_run(tmp_path / "copy")))
    assert "article" not in page.tags and 'id="chart-density"' not in page.text
    assert len(unpack(page.scripts["rows-gene"])) == len(ds.dataset(example / "genes.parquet").to_table())


def test_pack_table__brings_everything_back():
    numbers = pa.array([1, None, 3], pa.int32()), pa.array([0.123456789, None, 1.0], pa.float32())
    table = pa.table({"name": ["a", "ü", "a"], "n": numbers[0], "x": numbers[1]})
    expected = [{"name": "a", "n": 1, "x": 0.123457}, {"name": "ü", "n": None, "x": None}, {"name": "a", "n": 3, "x": 1.0}]
    assert unpack(pack_table(table)) == expected


def test_command__writes_into_the_run_or_elsewhere(example, tmp_path):
    shutil.copytree(example, tmp_path / "copy")
    result = CliRunner().invoke(app, ["report", str(tmp_path / "copy")])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"written: {tmp_path / 'copy'}/report.html\n"
    CliRunner().invoke(app, ["report", str(tmp_path / "copy"), "--out", str(tmp_path / "page.html")])
    assert (tmp_path / "page.html").read_bytes() == (tmp_path / "copy" / "report.html").read_bytes()
    assert (tmp_path / "page.html").stat().st_size < 6_000_000
    # A new run in the same folder leaves no page of the old one.
    ms.scan(EXAMPLES / "mirnas.fa", EXAMPLES / "utrs.fa.gz", out=tmp_path / "copy", model="none", seeds="8mer", overwrite=True, threads=1)
    assert not (tmp_path / "copy" / "report.html").exists()


def test_assets__are_those_of_the_manifest_with_their_licences():
    spec = importlib.util.spec_from_file_location("report_assets", MAIN / "tools/report_assets.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.find_damage() == []
    named = {entry["file"] for entry in json.loads(tool.MANIFEST.read_text())}
    assert named == {path.name for path in tool.ASSETS.iterdir() if path.suffix in (".js", ".css")}
    for package, version, _ in tool.PACKAGES:
        assert (tool.ASSETS / f"{package}.LICENSE").stat().st_size > 500
        assert {entry["version"] for entry in json.loads(tool.MANIFEST.read_text()) if entry["package"] == package} == {version}


def test_background__is_drawn_beside_scores_and_types(tmp_path):
    run = {"mirnas": EXAMPLES / "mirnas.fa", "transcripts": EXAMPLES / "utrs.fa.gz", "model": "duplex"}
    ms.scan(**run, out=tmp_path / "out", background=3)
    contents = Contents(ms.open_run(tmp_path / "out"))
    counted = ds.dataset(tmp_path / "out" / "background.parquet").to_table().to_pylist()
    scores = [(row["value"], row["n"]) for row in counted if row["seed"] == "8mer" and row["level"] > 0]
    total = sum(n for _, n in scores)
    expected: Counter = Counter()
    for value, n in scores:
        expected[min(int(value * 40), 39) / 40] += n / total
    found = {row["score"]: row["share"] for row in contents.scores() if (row["rule"], row["of"]) == ("8mer", "shuffled transcripts")}
    assert found == pytest.approx(expected)
    assert {row["rule"]: row["by_chance"] for row in contents.sites_by_chance()}["8mer"] == pytest.approx(total / 3)
    page = make_page(ms.open_run(tmp_path / "out"))
    charts = json.loads(Page(page).scripts["page-data"])["charts"]
    assert charts["scores"]["encoding"]["strokeDash"]["field"] == "of" and len(charts["types"]["layer"]) == 2
    assert "p value" in page
