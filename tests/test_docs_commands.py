"""Every `mirscan ...` that the documentation prints: its options exist, and what takes seconds runs as printed."""

import gzip
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mirscan as ms
from mirscan.cli.command_tree import iter_commands
from mirscan.cli.main import app

MAIN = Path(__file__).parents[1]
PAGES = [MAIN / "README.md", *sorted((MAIN / "docs").glob("*.md")), MAIN / "workflows" / "README.md"]
# Indented or fenced; a line may go on behind a backslash.
COMMAND = re.compile(r"^(?:    |\$ )?(mirscan (?:[^\n\\]|\\\n)*)$", re.MULTILINE)
OPTIONS = {
    name: {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    for name, command, _ in iter_commands()
}
# These take long, need data that no example has, or change the user's shell; pages in FOLLOWED run elsewhere, one command after another.
NEEDS = {"...", "--conservation"}
NOT_RUN = ("train", "evaluate", "models", "pretrain", "hardness", "negatives", "benchmark", "--install-completion")
FOLLOWED = {"tutorial.md", "cookbook.md", "genome.md"}


def commands_of(page: Path) -> list[list[str]]:
    text = page.read_text(encoding="utf-8")
    # Prose is not a command: a line of it begins elsewhere than behind a fence or four blanks.
    fenced = "\n".join(re.findall(r"^```(?:bash|console|sh)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    indented = "\n".join(line for line in text.splitlines() if line.startswith("    "))
    lines = COMMAND.findall(fenced) + COMMAND.findall(indented)
    return [shlex.split(line.replace("\\\n", " ").split(" | ")[0], comments=True)[1:] for line in lines]


PRINTED = [(page.name, words) for page in PAGES for words in commands_of(page)]
RUN = [(name, words) for name, words in PRINTED if name not in FOLLOWED and not NEEDS & set(words) and not words[0].startswith(NOT_RUN)]


def test_printed_commands__are_found():
    assert len(PRINTED) > 60 and len(RUN) > 15
    assert {name for name, _ in RUN} >= {"README.md", "index.md", "query.md", "report.md", "explain.md", "machines.md"}


@pytest.mark.parametrize(("page", "words"), PRINTED, ids=[f"{page}: {' '.join(words)[:60]}" for page, words in PRINTED])
def test_printed_command__has_only_options_that_exist(page, words):
    known = OPTIONS["mirscan"] | next((OPTIONS[name] for name in _names(words) if name in OPTIONS), set())
    flags = {word.split("=")[0] for word in words if re.match(r"-{1,2}[a-zA-Z]", word)}
    assert flags <= known, page


def _names(words: list[str]) -> list[str]:
    """What the command could be called: two words, or one, wherever options before it end."""
    pairs = zip(words, [*words[1:], ""], strict=True)
    return [f"mirscan {name}" for one, other in pairs for name in (f"{one} {other}", one)]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with files of all names that the pages use: some miRNAs and 3'UTRs of the examples, SIRT1 among them, and their run."""
    folder = tmp_path_factory.mktemp("printed")
    records = gzip.decompress((MAIN / "examples" / "utrs.fa.gz").read_bytes()).decode().split(">")[1:]
    chosen = [record for number, record in enumerate(records) if number < 20 or "SIRT1" in record.split("\n")[0]]
    (folder / "utr.fa").write_text("".join(f">{record}" for record in chosen))
    for name in ("mirs.fa", "mature.fa"):
        shutil.copy(MAIN / "examples" / "mirnas.fa", folder / name)
    shutil.copy(MAIN / "examples" / "fly.fa.gz", folder / "genome.fa.gz")
    shutil.copy(MAIN / "examples" / "fly.gtf.gz", folder / "genes.gtf.gz")
    for name, seeds in (("mirscan-out", "canonical"), ("run-a", "canonical"), ("run-b", "8mer,7mer-m8")):
        ms.scan(folder / "mirs.fa", folder / "utr.fa", out=folder / name, model="none", seeds=seeds.split(","), threads=1)
    site = "GGCAAGUACAUGCAUUGGAGGCUGACGAUGCC" + "ACACUGCCA" + "UUAGCAUGG"
    (folder / "pairs.tsv").write_text("mirna\ttarget\tlabel\n" + f"UGGCAGUGUCUUAGCUGGUUGU\t{site}\t1\n" * 6)
    shutil.copytree(MAIN / "models" / "fast", folder / "my-model")
    return folder


@pytest.mark.parametrize(("page", "words"), RUN, ids=[f"{page}: {' '.join(words)[:60]}" for page, words in RUN])
def test_printed_command__runs(page, words, made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    if "scan" in words:
        shutil.rmtree("mirscan-out")
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
