"""The manual page is what the commands say, and roff that a reader can show."""

import re
from pathlib import Path

from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.cli.man_page import man_page

PAGE = (Path(__file__).parents[2] / "man" / "mirscan.1").read_text()


def test_man_page__is_made_of_the_commands():
    assert man_page() == PAGE, "make it anew: python -m mirscan.cli.man_page > man/mirscan.1"


def test_man_page__has_every_option_that_help_prints():
    shown = CliRunner().invoke(app, ["query", "--help"]).stdout
    flags = set(re.findall(r"--[a-z][a-z-]+", shown))
    (section,) = re.findall(r'\.SS "mirscan query"\n(.*?)\n\.SS', PAGE, re.DOTALL)
    assert flags and flags <= set(re.findall(r"--[a-z][a-z-]+", section.replace("\\-", "-")))


def test_man_page__is_roff():
    lines = PAGE.splitlines()
    assert {line.split()[0] for line in lines if line.startswith(".")} == {".TH", ".SH", ".SS", ".TP", ".B", ".nf", ".fi"}
    assert not [line for line in lines if line.startswith("'") or re.search(r"\\(?![-e&f])", line)]
