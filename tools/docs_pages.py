"""The pages of the documentation that come from the code: commands, columns, seed rules, Python names, and the tutorial's picture.

A hook of MkDocs (mkdocs.yml): they are made whenever the site is built, so they cannot be old.
"""

import importlib
import tempfile
from pathlib import Path

import mirscan
from mirscan import _PUBLIC
from mirscan.cli.command_tree import iter_commands, option_records
from mirscan.query.finished_run import open_run
from mirscan.query.pair import open_pairs
from mirscan.report.pair_picture import draw_pair
from mirscan.seeds.rules import BUILT_IN, GROUPS
from mirscan.tables import BACKGROUND, CANDIDATES, GENES, NEGATIVES, PAIRS, SITES, Column

MAIN = Path(__file__).parents[1]


def on_files(files, config):
    """MkDocs calls this when it has found its files."""
    from mkdocs.structure.files import File

    for name, text in make_pages().items():
        files.append(File.generated(config, name, content=text))
    return files


def make_pages() -> dict[str, str]:
    """Text of each generated file by its name in docs/."""
    return {
        "commands.md": commands_page(),
        "columns.md": columns_page(),
        "rules.md": rules_page(),
        "api.md": api_page(),
        "pictures/zeb2.svg": tutorial_picture(),
    }


def commands_page() -> str:
    """Every command with its arguments and options, as `--help` has them."""
    (_, program, context), *commands = iter_commands()
    parts = ["# Commands\n\nEvery command and option; `mirscan COMMAND --help` prints the same.\n"]
    parts.append(_options("## mirscan\n\nStands before the command.\n", program, context))
    parts += (_options(f"## {name}\n\n{_cell(command.help or '')}\n", command, own) for name, command, own in commands)
    return "\n".join(parts)


def _options(heading: str, command, context) -> str:
    rows = "".join(f"| `{_cell(flags)}` | {_cell(text)} |\n" for flags, text in option_records(command, context))
    return f"{heading}\n| | |\n| --- | --- |\n{rows}"


def columns_page() -> str:
    """Every column of every table."""
    tables = (
        (SITES, "`sites/part-*.parquet`: one row a site"),
        (GENES, "`genes.parquet` and `genes.tsv.gz`: one row a gene and miRNA"),
        (BACKGROUND, "`background.parquet` of `--background`: what shuffled transcripts have"),
        (CANDIDATES, "What `mirscan.find_candidates` gives"),
        (PAIRS, "Labelled pairs for `mirscan train` and `mirscan evaluate`"),
        (NEGATIVES, "What `mirscan negatives` writes"),
    )
    parts = ["# Columns\n\nCoordinates are 0-based and half-open, on the transcript unless a column says otherwise.\n"]
    for table, sentence in tables:
        parts.append(f"## {table.name}\n\n{sentence}.\n\n{_columns(table.columns)}")
        if table.optional:
            parts.append(f"Only where a run was asked for them, or knows them:\n\n{_columns(table.optional)}")
    return "\n".join(parts)


def _columns(columns: tuple[Column, ...]) -> str:
    rows = "".join(f"| `{column.name}` | {_type(column)} | {column.unit} | {_cell(column.description)} |\n" for column in columns)
    return f"| column | type | unit | |\n| --- | --- | --- | --- |\n{rows}"


def _type(column: Column) -> str:
    text = str(column.type)
    return "name" if text.startswith("dictionary") else "list of start, end" if text.startswith("list") else text


def rules_page() -> str:
    """Every built-in seed rule with its paper."""
    rows = "".join(f"| `{rule.name}` | {_cell(rule.description)} | {_cell(rule.paper)} |\n" for rule in BUILT_IN.values())
    groups = "".join(f"- `{name}`: {', '.join(rules)}\n" for name, rules in GROUPS.items())
    return f"""# Seed rules in a table

Strongest first: a place that satisfies several is reported as the first of them. m1, m2, ... are nucleotides of the miRNA.
[Seed rules](seeds.md) has definitions, counts by chance, and how to write your own.

| rule | | paper |
| --- | --- | --- |
{rows}
## Groups

{groups}"""


def api_page() -> str:
    """Every public name, for mkdocstrings."""
    modules = {name: _home(name) for name in sorted(_PUBLIC, key=str.lower)}
    names = "".join(f"::: {module}.{name}\n    options:\n      heading_level: 2\n\n" for name, module in modules.items())
    return f"# From Python\n\n`import mirscan as ms`; each name stands in `mirscan`, and loads what it needs on first use.\n\n{names}"


def _home(name: str) -> str:
    """The module that defines a public name."""
    module = getattr(mirscan, name).__module__
    return module if hasattr(importlib.import_module(module), name) else f"mirscan.{_PUBLIC[name]}"


def tutorial_picture() -> str:
    """miR-200b on ZEB2, as the tutorial draws it."""
    with tempfile.TemporaryDirectory() as folder:
        mirscan.scan(MAIN / "examples/mirnas.fa", MAIN / "examples/utrs.fa.gz", out=Path(folder, "out"), model="none", threads=1)
        return draw_pair(open_pairs(open_run(Path(folder, "out"))).read("ZEB2", "hsa-miR-200b-3p"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
