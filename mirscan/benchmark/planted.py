"""Small sets with a planted signal, in the shape of the published ones: positives hold the 7mer-m8 of their miRNA."""

from pathlib import Path

import numpy as np

_LETTERS = np.frombuffer(b"ACGT", np.uint8)
_MIRNAS, _LENGTH, _SEED_AT, _HOSTS = 60, 50, 24, 30


def write_planted(folder: Path, seed: int = 1) -> Path:
    """A data folder with the files that the grounds read, some hundred pairs each, and mRNAs of one site each; returns it."""
    for name in ("sites", "reference"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    mirnas = random.integers(0, 4, (_MIRNAS, 20))
    for name, positives, ratio, heading in _FILES:
        rows = [_row(random, mirnas, label) for label in np.repeat([1, 0], [positives, positives * ratio])]
        _write_rows(folder / "sites" / name, heading, rows)
    located = [_row(random, mirnas, 1) for _ in range(_HOSTS)]
    # The last file is ENCORI's, whose positives come first.
    hosts = located + rows[: _FILES[-1][1]]
    flanks = [[_letters(random.integers(0, 4, 100)) for _ in range(2)] for _ in hosts]
    records = [f">M{i}\n{before}{site}{after}\n" for i, ((_, site, _), (before, after)) in enumerate(zip(hosts, flanks, strict=True))]
    (folder / "reference" / "human_mrna.fa").write_text("".join(records))
    sites = [("hejret_test", mirna, f"M{i}", "100", "150") for i, (mirna, _, _) in enumerate(located)]
    _write_rows(folder / "sites" / "clip_sites_on_mrna.tsv", ("dataset", "mirna_seq", "refseq", "start0", "end"), sites)
    return folder


def _write_rows(path: Path, heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    path.write_text("\n".join("\t".join(row) for row in [heading, *rows]) + "\n")


_CLASH, _ENCORI = ("miRNA", "gene", "label"), ("mirna", "site", "label")
_FILES = (
    ("train_set_1_1_CLASH2013_paper.tsv", 200, 1, _CLASH),
    ("evaluation_set_1_1_CLASH2013_paper.tsv", 40, 1, _CLASH),
    ("evaluation_set_1_10_CLASH2013_paper.tsv", 40, 10, _CLASH),
    ("test_set_1_1_CLASH2013_paper.tsv", 40, 1, _CLASH),
    ("test_set_1_10_CLASH2013_paper.tsv", 40, 10, _CLASH),
    ("AGO2_CLASH_Hejret2023_test.tsv", 40, 1, _CLASH),
    ("encori_chr1_scan_1_20.tsv", 1200, 20, _ENCORI),
)


def _row(random: np.random.Generator, mirnas: np.ndarray, label: int) -> tuple[str, str, str]:
    mirna, site = mirnas[random.integers(_MIRNAS)], random.integers(0, 4, _LENGTH)
    if label:
        site[_SEED_AT : _SEED_AT + 7] = 3 - mirna[7:0:-1]
    return _letters(mirna), _letters(site), str(label)


def _letters(codes: np.ndarray) -> str:
    return _LETTERS[codes].tobytes().decode()
