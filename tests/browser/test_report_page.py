"""The report in a browser: it loads without a word, sorts, searches, saves, and fits a phone, a tablet and a screen."""

import csv

import pytest

import mirscan as ms

ROWS = "#table-{} .tabulator-row"


def rows(page, of: str) -> list[dict[str, str]]:
    """The rows on screen, text by column."""
    page.locator(f"#table-{of}").scroll_into_view_if_needed()
    page.wait_for_selector(ROWS.format(of))
    cells = "cells => cells.map(cell => [cell.getAttribute('tabulator-field'), cell.innerText])"
    return [dict(row.locator(".tabulator-cell").evaluate_all(cells)) for row in page.locator(ROWS.format(of)).all()]


@pytest.mark.parametrize("width", [400, 900, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page__loads_quietly_and_fits(open_page, report, width, scheme):
    page = open_page(report, width, color_scheme=scheme)
    for chart in ("types", "scores", "density"):
        page.wait_for_selector(f"#chart-{chart} svg")
    assert rows(page, "mirna") and rows(page, "gene")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.said == []


def test_search__finds_a_mirna_and_a_gene(open_page, report):
    page = open_page(report)
    everything = rows(page, "mirna")
    page.locator("#table-mirna .tabulator-header-filter input").first.press_sequentially("200b")
    page.wait_for_function("[...document.querySelectorAll('#table-mirna .tabulator-row')].every(row => row.innerText.includes('200b'))")
    found = rows(page, "mirna")
    assert {row["mirna"] for row in found} == {"hsa-miR-200b-3p"} and "ZEB2" in {row["symbol"] for row in found}
    assert {row["mirna"] for row in everything} != {"hsa-miR-200b-3p"}
    rows(page, "gene")
    page.locator("#table-gene .tabulator-header-filter input").first.press_sequentially("sirt1")
    page.wait_for_function("[...document.querySelectorAll('#table-gene .tabulator-row')].every(row => row.innerText.includes('SIRT1'))")
    assert {row["symbol"] for row in rows(page, "gene")} == {"SIRT1"}
    assert page.said == []


def test_filter_and_sort__by_number(open_page, report):
    page = open_page(report, 1600)
    rows(page, "mirna")
    page.locator("#table-mirna .tabulator-col[tabulator-field=n_8mer] input").press_sequentially("3")
    page.wait_for_timeout(600)
    assert all(int(row["n_8mer"]) >= 3 for row in rows(page, "mirna"))
    page.locator("#table-mirna .tabulator-col[tabulator-field=n_sites] .tabulator-col-title").click()
    page.wait_for_timeout(300)
    counts = [int(row["n_sites"]) for row in rows(page, "mirna")]
    assert counts == sorted(counts, reverse=True) and len(set(counts)) > 1
    assert page.said == []


def test_row__says_how_to_see_its_sites_and_saves(open_page, report, tmp_path):
    page = open_page(report)
    first = rows(page, "gene")[0]
    page.locator(ROWS.format("gene")).first.click()
    assert page.locator("#command-gene").inner_text() == f"mirscan show {first['symbol']} {first['mirna']} {report.parent}"
    page.locator("#table-gene .tabulator-header-filter input").first.press_sequentially("ZEB2")
    page.wait_for_timeout(600)
    with page.expect_download() as download:
        page.locator("[data-download=gene]").click()
    download.value.save_as(tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", encoding="utf-8-sig") as handle:
        saved = list(csv.DictReader(handle))
    assert {row["gene"] for row in saved} == {"ZEB2"} and len(saved) == len(ms.query_run(report.parent, genes=["ZEB2"], sites=False))


def test_names__of_strangers_run_nothing(open_page, tmp_path):
    evil = "<script>alert('x')</script>&\"<img src=x onerror=alert(1)>"
    (tmp_path / "mirs.fa").write_text(">m</script><b>\nUGAGGUAGUAGGUUGUAUAGUU\n")
    (tmp_path / "utr.fa").write_text(">t<svg/onload=alert(1)>\nACGTACGTCTACCTCAGGTT\n")
    (tmp_path / "map.tsv").write_text(f"t<svg/onload=alert(1)>\tg<u>\t{evil}\n")
    ms.scan(tmp_path / "mirs.fa", tmp_path / "utr.fa", out=tmp_path / "out", model="none", gene_map=tmp_path / "map.tsv", threads=1)
    page = open_page(tmp_path.joinpath(ms.write_html_report(tmp_path / "out")))
    assert (rows(page, "mirna")[0]["mirna"], rows(page, "mirna")[0]["symbol"]) == ("m</script><b>", evil)
    page.locator(ROWS.format("mirna")).first.click()
    assert evil in page.locator("#command-mirna").inner_text()
    assert page.said == []
    assert page.locator("img").count() == 0


def test_page__without_javascript_still_shows_the_sites(open_page, report):
    page = open_page(report, java_script_enabled=False)
    assert page.locator(".card").count() == 30 and page.locator("noscript p").is_visible()


@pytest.mark.parametrize("width", [400, 1600])
def test_genome__is_drawn_and_moves_to_the_place_chosen(open_page, fly_report, width):
    page = open_page(fly_report, width)
    page.locator("#browser").scroll_into_view_if_needed()
    page.wait_for_selector("#browser canvas", state="attached", timeout=60_000)
    place = page.locator("#loci option").nth(3).get_attribute("value")
    page.wait_for_timeout(1500)
    page.locator("#loci").select_option(place)
    page.wait_for_timeout(1500)
    searched = page.evaluate(
        """() => { const roots = [document, ...[...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean)];
        const fields = roots.flatMap(root => [...root.querySelectorAll('input')]);
        return fields.map(field => field.value).find(value => value.includes(':')) || '' }"""
    )
    assert searched.replace(",", "").split("-")[0] == place.split("-")[0]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.said == []
