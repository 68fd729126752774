"""A run of the fly example in igv.js: genome, genes and sites of a gene whose 3'UTR is spliced, where and in what colour they should be."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import mirscan as ms

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
IGV = HERE / "node_modules" / "igv" / "dist" / "igv.min.js"
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><div id="igv"></div><script src="igv.min.js"></script><script>
igv.createBrowser(document.getElementById("igv"), {
  loadDefaultGenomes: false,
  reference: {id: "example", fastaURL: "genome.fa.gz", indexURL: "genome.fa.gz.fai", compressedIndexURL: "genome.fa.gz.gzi"},
  locus: LOCUS,
  tracks: TRACKS,
}).then(browser => { window.browser = browser });
</script>"""
SITES = '{name: "sites", url: "sites.bed.gz", indexURL: "sites.bed.gz.tbi", format: "bed", displayMode: "EXPANDED", height: 90}'
GENES = '{name: "genes", url: "genes.gtf.gz", format: "gtf", displayMode: "EXPANDED", height: 60}'


class _Ranges(SimpleHTTPRequestHandler):
    """Serves pieces of files, as indexed ones are read."""

    def do_GET(self):
        asked = self.headers.get("Range")
        path = Path(self.translate_path(self.path))
        if not asked or not path.is_file():
            super().do_GET()
            return
        first, last = asked.removeprefix("bytes=").split("-")
        data = path.read_bytes()
        piece = data[int(first) : int(last) + 1 if last else None]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(piece) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(piece)))
        self.end_headers()
        self.wfile.write(piece)

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(folder, its address): a run on the fly's genome, and igv.js."""
    folder = tmp_path_factory.mktemp("igv")
    for name, source in (("genome.fa.gz", EXAMPLES / "fly.fa.gz"), ("genes.gtf.gz", EXAMPLES / "fly.gtf.gz"), ("igv.min.js", IGV)):
        (folder / name).write_bytes(source.read_bytes())
    ms.scan(
        EXAMPLES / "fly_mirnas.fa",
        genome=folder / "genome.fa.gz",
        annotation=folder / "genes.gtf.gz",
        out=folder / "out",
        model="duplex",
        threads=1,
    )
    ms.scan(EXAMPLES / "mirnas.fa", EXAMPLES / "utrs.fa.gz", out=folder / "human", model="none", threads=1)
    for path in (folder / "out").glob("sites.bed.gz*"):
        (folder / path.name).write_bytes(path.read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Ranges, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_igv(browser, served):
    """Function of (text of the page, locus) that opens igv.js; `said` holds errors and requests to anywhere else."""
    folder, address = served

    def open_(text: str):
        (folder / "index.html").write_text(text)
        page = browser.new_page(viewport={"width": 1000, "height": 500})
        page.said = []
        page.on("console", lambda message: page.said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on(
            "request", lambda request: page.said.append(request.url) if not request.url.startswith((address, "data:", "blob:")) else None
        )
        page.goto(f"{address}/index.html")
        page.wait_for_function("window.browser && window.browser.trackViews.length > 3")
        page.wait_for_timeout(1500)
        return page

    return open_


def features(page, track: str, contig: str, start: int, end: int) -> list[dict]:
    return page.evaluate(
        """async ([name, contig, start, end]) => {
            const track = browser.trackViews.map(view => view.track).find(track => track.name === name)
            const found = await track.getFeatures(contig, start, end, 1)
            return found.map(f => ({name: f.name, start: f.start, end: f.end, strand: f.strand, color: f.color, type: f.type,
                                    exons: (f.exons || []).map(exon => [exon.start, exon.end])}))
        }""",
        [track, contig, start, end],
    )


def colours_of_row(page, track: str) -> set[tuple[int, int, int]]:
    """Colours that the canvas of a track shows."""
    pixels = page.evaluate(
        """name => {
            const view = browser.trackViews.find(view => view.track.name === name)
            const canvas = view.viewports[0].canvas
            return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]
        }""",
        track,
    )
    return {tuple(pixels[at : at + 3]) for at in range(0, len(pixels), 4) if pixels[at + 3] == 255}


def test_igv__draws_genome_genes_and_spliced_sites(open_igv, served, tmp_path):
    page = open_igv(PAGE.replace("LOCUS", '"chr2L:475,700-476,200"').replace("TRACKS", f"[{GENES}, {SITES}]"))
    found = features(page, "sites", "chr2L", 475_700, 476_200)
    spliced = {site["name"].split("|")[0]: site for site in found}
    assert {name: (site["start"], site["end"], site["exons"]) for name, site in spliced.items()} == {
        "dme-miR-4953-3p": (475_846, 475_916, [[475_846, 475_851], [475_915, 475_916]]),
        "dme-miR-4985-5p": (476_013, 476_081, [[476_013, 476_015], [476_077, 476_081]]),
        "dme-miR-283-3p": (476_014, 476_082, [[476_014, 476_015], [476_077, 476_082]]),
    }
    assert {site["color"] for site in found} == {"rgb(128,128,128)"}
    exons = next(gene for gene in features(page, "genes", "chr2L", 475_700, 476_200) if len(gene["exons"]) > 2)["exons"]
    blocks = [tuple(block) for site in found for block in site["exons"]]
    assert all(any(first <= start and end <= last for first, last in exons) for start, end in blocks)
    assert page.evaluate("browser.genome.getSequence('chr2L', 475846, 475851)") == "TAAAA"
    assert (128, 128, 128) in colours_of_row(page, "sites")
    page.screenshot(path=tmp_path / "igv.png")
    assert page.said == []


def test_igv__colours_are_those_of_the_types(open_igv):
    page = open_igv(PAGE.replace("LOCUS", '"chr2L:9,500-11,500"').replace("TRACKS", f"[{SITES}]"))
    found = {site["name"].split("|")[1]: site["color"] for site in features(page, "sites", "chr2L", 0, 560_000)}
    assert found == {"8mer": "rgb(128,0,128)", "7mer-m8": "rgb(255,0,0)", "7mer-A1": "rgb(0,0,255)", "6mer": "rgb(128,128,128)"}
    assert page.said == []


def test_igv__opens_a_run_on_transcripts(open_igv):
    page = open_igv(
        PAGE.replace("genome.fa.gz", "human/transcripts.fa.gz")
        .replace("LOCUS", '"NM_001142498:800-1500"')
        .replace("TRACKS", "[" + SITES.replace("sites.bed", "human/sites.bed") + "]")
    )
    found = [site for site in features(page, "sites", "NM_001142498", 0, 1600) if site["name"] == "hsa-miR-34a-5p"]
    assert [(site["start"], site["end"]) for site in found] == [(890, 897), (1433, 1440)]
    # UGGCAGU...: nt 2-7 pair ACTGCC, and an A stands opposite nt 1.
    assert page.evaluate("browser.genome.getSequence('NM_001142498', 890, 897)") == "ACTGCCA"
    assert page.said == []
