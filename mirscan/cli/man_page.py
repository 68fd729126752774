"""man/mirscan.1: the manual page, of every command and option.

Made anew by `python -m mirscan.cli.man_page > man/mirscan.1`; a test compares the two.
"""

import re
from collections.abc import Iterable

from mirscan import __version__
from mirscan.cli.command_tree import iter_commands, option_records

_SUMMARY = "find the targets of microRNAs in whole transcriptomes"
_DESCRIPTION = (
    "mirscan finds every seed match of microRNAs in transcripts, or in a genome with its annotation, scores each with a trained neural "
    "network, and writes Parquet, an indexed BED and a table of genes. A scan that is stopped goes on with the same command."
)
_EXAMPLES = (
    ("Scan 3'UTRs", "mirscan scan --mirnas mirs.fa --utrs utr.fa"),
    ("Cut them from a genome", "mirscan scan --mirnas mirs.fa --genome genome.fa.gz --annotation genes.gtf.gz --region 3utr"),
    ("The genes of a miRNA", "mirscan query mirscan-out --mirna miR-34a-5p"),
    ("A page of the results", "mirscan report mirscan-out"),
)
_EXIT_STATUS = (
    ("0", "Done."),
    ("1", "An input, a model or a run is not as it must be, or a check of doctor failed; one line on standard error says what to do."),
    ("2", "The command line itself is wrong."),
    ("130, 143, 129", "Stopped by Ctrl-C, SIGTERM or SIGHUP; one line says how to go on."),
)
_ENVIRONMENT = (
    ("NO_COLOR", "No colours on the terminal."),
    ("NUMBA_CACHE_DIR, XDG_CACHE_HOME", "Where compiled code and packed annotations are kept; mirscan doctor names the folder."),
    ("KERAS_BACKEND", "tensorflow, jax or torch, for networks."),
)


def man_page() -> str:
    """The text of man/mirscan.1."""
    (_, program, context), *commands = iter_commands()
    parts = [
        f'.TH MIRSCAN 1 "" "mirscan {__version__}" "User Commands"',
        _section("NAME", [rf"mirscan \- {_SUMMARY}"]),
        _section("SYNOPSIS", [r".B mirscan", r"[\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGUMENTS\fR]"]),
        _section("DESCRIPTION", [_text(_DESCRIPTION)]),
        _section("OPTIONS", ["These stand before the command.", *_items(option_records(program, context))]),
        _section("COMMANDS", [line for command in commands for line in _command(*command)]),
        _section("EXIT STATUS", _items(_EXIT_STATUS)),
        _section("ENVIRONMENT", _items(_ENVIRONMENT)),
        _section("EXAMPLES", [line for what, words in _EXAMPLES for line in (".TP", _text(what), ".nf", _text(words), ".fi")]),
    ]
    return "\n".join(parts) + "\n"


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join((f".SH {title}", *lines))


def _command(name: str, command, context) -> list[str]:
    return [f'.SS "{_text(name)}"', _text(command.help or ""), *_items(option_records(command, context))]


def _items(records: Iterable[tuple[str, str]]) -> list[str]:
    return [line for term, sentence in records for line in (".TP", rf"\fB{_text(term)}\fR", _text(sentence))]


def _text(words: str) -> str:
    r"""Words on one line, as roff wants them.

    >>> _text(".a  --b")
    '\\&.a \\-\\-b'
    """
    line = re.sub(r"([\\-])", lambda found: r"\e" if found[1] == "\\" else r"\-", " ".join(words.split()))
    return rf"\&{line}" if line.startswith((".", "'")) else line


if __name__ == "__main__":
    print(man_page(), end="")
