"""Chromium without a window, and pages of runs to open in it."""

import os
import shutil
from pathlib import Path

import pytest

import mirscan as ms

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    path = os.environ.get("MIRSCAN_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Function that opens a file at a width; `said` of the page collects errors, warnings and requests to anywhere else."""
    contexts = []

    def open_(path: Path, width: int = 900, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.said = []
        page.on("console", lambda message: page.said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.said.append(request.url) if request.url.startswith("http") else None)
        page.on("dialog", lambda dialog: page.said.append(f"dialog {dialog.message}"))
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """The page of the shipped example, scored."""
    out = tmp_path_factory.mktemp("browser") / "out"
    ms.scan(EXAMPLES / "mirnas.fa", EXAMPLES / "utrs.fa.gz", out=out, model="duplex", threads=1)
    return Path(ms.write_html_report(out))


@pytest.fixture(scope="session")
def fly_report(tmp_path_factory) -> Path:
    """The page of a scan on the fly's genome."""
    out = tmp_path_factory.mktemp("browser-fly") / "out"
    source = {"genome": EXAMPLES / "fly.fa.gz", "annotation": EXAMPLES / "fly.gtf.gz"}
    ms.scan(EXAMPLES / "fly_mirnas.fa", out=out, model="none", threads=1, **source)
    return Path(ms.write_html_report(out))
