"""ViennaRNA as witness, and pairs to ask it about."""

from pathlib import Path

import numpy as np
import RNA

from mirscan.sequence.alphabet import encode

UNPAIRED_ENERGY = 0.0


def letters(codes) -> str:
    return "".join("ACGUN"[code] for code in codes)


def padded(sequences: list[str]) -> np.ndarray:
    """Codes of sequences of any length, filled up with N on the right."""
    codes = np.full((len(sequences), max(map(len, sequences))), 4, dtype=np.uint8)
    for row, sequence in zip(codes, sequences, strict=True):
        row[: len(sequence)] = encode(sequence)
    return codes


def random_pairs(n: int, mirna_length: int, target_length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random sequences; in every second pair part of the miRNA finds its complement, with some errors; some hold N or are shorter."""
    rng = np.random.default_rng(seed)
    mirnas = rng.integers(0, 4, (n, mirna_length)).astype(np.uint8)
    targets = rng.integers(0, 4, (n, target_length)).astype(np.uint8)
    for row in range(n):
        if row % 2:
            length = rng.integers(1, min(mirna_length, target_length) + 1)
            i, j = rng.integers(0, mirna_length - length + 1), rng.integers(0, target_length - length + 1)
            targets[row, j : j + length] = 3 - mirnas[row, i : i + length][::-1]
            for _ in range(rng.integers(0, 4)):
                targets[row, rng.integers(0, target_length)] = rng.integers(0, 4)
        if row % 5 == 0:
            targets[row, rng.integers(0, target_length)] = 4
        if row % 7 == 0:
            mirnas[row, rng.integers(0, mirna_length)] = 4
        if row % 3 == 0:
            mirnas[row, rng.integers(1, mirna_length + 1) :] = 4
    return mirnas, targets


def witness_energies(mirnas, targets) -> np.ndarray:
    """duplexfold's energies of the miRNAs without their padding; 0 where it finds no pair."""
    found = [RNA.duplexfold(letters(m).rstrip("N") or "N", letters(t)).energy for m, t in zip(mirnas, targets, strict=True)]
    return np.array([energy if energy < 1000 else UNPAIRED_ENERGY for energy in found])


def brackets(partners, target_length: int) -> tuple[str, str]:
    """Dot-bracket strings of both strands."""
    opened = set(partners[partners >= 0].tolist())
    return "".join("(" if j >= 0 else "." for j in partners), "".join(")" if j in opened else "." for j in range(target_length))


def real_pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """miRNAs, targets and both stored energies of the pairs in pairs.tsv."""
    rows = [line.split("\t") for line in Path(__file__).with_name("pairs.tsv").read_text().splitlines()[2:]]
    mirnas, targets, energies, perfect = zip(*rows, strict=True)
    return padded(list(mirnas)), padded(list(targets)), np.array(energies, dtype=float), np.array(perfect, dtype=float)
