"""The same small workload by other means: `re` for each miRNA, RNAhybrid and seqkit where they are installed (Debian packages)."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from measure import clock

from mirscan.search.candidates import iter_candidates
from mirscan.seeds.rules import read_rules
from mirscan.seeds.table import compile_seed_table
from mirscan.sequence.alphabet import complement, decode
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome, transcriptome_from_sequences

N_BASES, N_MIRNAS = 1_000_000, 50
# RNAhybrid does about 0.3 Mb x miRNA a second; this share of the transcripts and so many miRNAs keep it to seconds.
RNAHYBRID_SHARE, RNAHYBRID_MIRNAS = 10, 5


def compare_with_peers(transcriptome: Transcriptome, mirnas: MirnaSet) -> list[tuple]:
    """Rows (tool, Mb x miRNA, sites, CPU s, rate, time relative to mirscan on the same pairs)."""
    texts = [decode(transcriptome.codes[begin:end]) for begin, end in zip(transcriptome.begin, transcriptome.end, strict=True)]
    chosen, total = [], 0
    for text in texts:
        if total < N_BASES:
            chosen.append(text)
            total += len(text)
    step = len(mirnas) // N_MIRNAS
    mirnas = mirnas.take(range(0, N_MIRNAS * step, step))
    size = total / 1e6 * len(mirnas)
    sites, own = _time_mirscan(chosen, mirnas)
    rows = [("mirscan, table included", f"{size:.2f}", f"{sites:,}", f"{own:.4f}", f"{size / own:,.0f}", "1")]
    for name, function in (("re, one pattern a miRNA", _time_re), ("seqkit locate -P", _time_seqkit)):
        result = function(chosen, mirnas)
        if result is None:
            rows.append((name, "not installed", "", "", "", ""))
            continue
        found, seconds = result
        assert found == sites, f"{name}: {found} sites; mirscan finds {sites}"
        rows.append((name, f"{size:.2f}", f"{found:,}", f"{seconds:.3f}", f"{size / seconds:,.1f}", f"{seconds / own:,.0f}"))
    rows.append(_compare_rnahybrid(chosen, mirnas))
    return rows


def _time_mirscan(texts: list[str], mirnas: MirnaSet, repeat: int = 50) -> tuple[int, float]:
    transcriptome, rules = transcriptome_from_sequences([f"t{i}" for i in range(len(texts))], texts), read_rules("canonical")

    def scan() -> int:
        return sum(batch.num_rows for batch in iter_candidates(transcriptome, mirnas, compile_seed_table(rules, mirnas)))

    sites = scan()
    with clock() as seconds:
        for _ in range(repeat):
            scan()
    return sites, seconds["cpu"] / repeat


def _cores(mirnas: MirnaSet) -> list[str]:
    return [decode(complement(codes[1:7])[::-1]) for codes in mirnas.codes]


def _time_re(texts: list[str], mirnas: MirnaSet) -> tuple[int, float]:
    patterns = [re.compile(f"(?={core})") for core in _cores(mirnas)]
    with clock() as seconds:
        found = sum(1 for pattern in patterns for text in texts for _ in pattern.finditer(text))
    return found, seconds["cpu"]


def _time_seqkit(texts: list[str], mirnas: MirnaSet) -> tuple[int, float] | None:
    if shutil.which("seqkit") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        sequences, motifs = _write_fasta(folder, "t", texts), _write_fasta(folder, "m", _cores(mirnas))
        command = ["seqkit", "locate", "--threads", "1", "--only-positive-strand", "--bed", "--pattern-file", motifs, sequences]
        with clock() as seconds:
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return output.count("\n"), seconds["cpu"]


def _compare_rnahybrid(texts: list[str], mirnas: MirnaSet) -> tuple:
    name = "RNAhybrid -f 2,7"
    if shutil.which("RNAhybrid") is None:
        return name, "not installed", "", "", "", ""
    texts, mirnas = texts[: max(1, len(texts) // RNAHYBRID_SHARE)], mirnas.take(range(RNAHYBRID_MIRNAS))
    size = sum(map(len, texts)) / 1e6 * len(mirnas)
    _, own = _time_mirscan(texts, mirnas)
    queries = [mirnas.sequence(i) for i in range(len(mirnas))]
    with tempfile.TemporaryDirectory() as folder:
        sequences, queries = _write_fasta(folder, "t", texts), _write_fasta(folder, "q", queries)
        command = ["RNAhybrid", "-c", "-s", "3utr_human", "-f", "2,7", "-m", "200000", "-t", sequences, "-q", queries]
        with clock() as seconds:
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    hits = sum(1 for line in output.splitlines() if line.count(":") >= 8)
    rate = size / seconds["cpu"]
    return name, f"{size:.2f}", f"{hits:,} (best of a pair)", f"{seconds['cpu']:.2f}", f"{rate:.2f}", f"{seconds['cpu'] / own:,.0f}"


def _write_fasta(folder: str, name: str, texts: list[str]) -> str:
    path = Path(folder) / f"{name}.fa"
    path.write_text("".join(f">{name}{i}\n{text}\n" for i, text in enumerate(texts)))
    return str(path)
