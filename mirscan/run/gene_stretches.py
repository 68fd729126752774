"""Which rows of GENES are made together: those of genes that lie in one part alone, and those of each gene that lies in several."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mirscan.run.plan import Part


@dataclass(frozen=True)
class GeneStretch:
    """Whole genes: transcripts `first` to `last` (half-open), whose sites lie in `parts`."""

    name: str
    first: int
    last: int
    parts: range


def part_genes(number: int) -> str:
    """Name of the stretch of genes that lie in part `number` alone."""
    return f"part-{number:05d}"


def cut_gene(number: int) -> str:
    """Name of the stretch of the one gene that begins before part `number` and ends in it."""
    return f"cut-{number:05d}"


def stretch_genes(parts: Sequence[Part], gene_codes: np.ndarray) -> dict[str, GeneStretch]:
    """All stretches by name, in the order of GENES; isoforms of a gene follow each other in `gene_codes` (n,)."""
    crossing = _crossing_genes(parts, gene_codes)
    return {stretch.name: stretch for number in range(len(parts)) for stretch in _stretches_of(number, parts[number], crossing)}


def _crossing_genes(parts: Sequence[Part], gene_codes: np.ndarray) -> dict[int, GeneStretch]:
    """The gene that goes on from a part to the next, where one does, by the number of the first of the two."""
    starts = np.concatenate(([0], np.flatnonzero(np.diff(gene_codes)) + 1, [len(gene_codes)]))
    crossing: dict[int, GeneStretch] = {}
    # From the last part on, since a gene has the name of the part in which it ends.
    for number, (part, following) in reversed(list(enumerate(pairwise(parts)))):
        if gene_codes[part.last - 1] != gene_codes[following.first]:
            continue
        place = int(np.searchsorted(starts, following.first, side="right"))
        first, last = int(starts[place - 1]), int(starts[place])
        behind = crossing.get(number + 1)
        goes_on = behind is not None and behind.first == first
        name, stop = (behind.name, behind.parts.stop) if goes_on else (cut_gene(number + 1), number + 2)
        crossing[number] = GeneStretch(name, first, last, range(number, stop))
    return crossing


def _stretches_of(number: int, part: Part, crossing: dict[int, GeneStretch]) -> Iterator[GeneStretch]:
    """The gene that ends in a part and begins before it, then the genes that lie in the part alone."""
    before, behind = crossing.get(number - 1), crossing.get(number)
    if before is not None and before.parts.stop == number + 1:
        yield _from_its_first_part(before, crossing)
    first = part.first if before is None else min(before.last, part.last)
    last = part.last if behind is None else max(behind.first, part.first)
    yield GeneStretch(part_genes(number), first, max(first, last), range(number, number + 1))


def _from_its_first_part(gene: GeneStretch, crossing: dict[int, GeneStretch]) -> GeneStretch:
    while (before := crossing.get(gene.parts.start - 1)) is not None and before.first == gene.first:
        gene = before
    return gene
