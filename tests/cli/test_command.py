"""Words that are empty, as unset shell variables are: one line that names the option, whatever the command."""

import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("duplex", "", ""), "MIRNA"),
        (("duplex", "UGAGGUAGUAGGUUGUAUAGUU", ""), "TARGET"),
        (("show", "SIRT1", "", "out"), "MIRNA"),
        (("query", "out", "--gene", ""), "--gene"),
        (("query", "out", "-m", "miR-1", "-m", ""), "--mirna"),
        (("query", "out", "--top", "3", "--where="), "--where"),
        (("query", "out", "--sql", ""), "--sql"),
        (("report", ""), "FOLDER"),
        (("report", ".", "--out", ""), "--out"),
        (("explain", "fast", ""), "PAIRS"),
        (("models", "show", ""), "MODEL"),
        (("scan", "--mirnas", "", "--utrs", "utr.fa"), "--mirnas"),
        (("evaluate", "pairs.tsv", "--out", ""), "--out"),
    ],
)
def test_command__empty_word_is_one_line(words, named):
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1 and result.stdout == ""
    assert result.stderr == f"mirscan: error: {named}: empty; expected a value (an unset shell variable?)\n"


def test_command__equals_sign_inside_a_value_is_a_value():
    result = CliRunner().invoke(app, ["query", "nothing-here", "--where=energy ="])
    assert result.exit_code == 1 and "nothing-here" in result.stderr
