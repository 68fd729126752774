"""Answers for programs: one JSON document on standard output, everything else on standard error."""

import json
import sys
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]


def print_json(values: Any) -> None:
    """To standard output."""
    print(json.dumps(values, indent=1, ensure_ascii=False))


def print_note(line: str, as_json: bool = False) -> None:
    """A line for people, beside a JSON document on standard error."""
    print(line, file=sys.stderr if as_json else sys.stdout)
