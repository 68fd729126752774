"""A random genome with spliced transcripts on both strands, as text files and as plain Python."""

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


@dataclass(frozen=True)
class Gene:
    """One transcript by definition: exons and coding region on the genome, 0-based and half-open."""

    name: str
    contig: str
    strand: str
    exons: list[tuple[int, int]]
    coding: tuple[int, int]

    def splice(self, contigs: dict[str, str], blocks: list[tuple[int, int]]) -> str:
        sequence = "".join(contigs[self.contig][start:end] for start, end in blocks)
        return sequence.translate(COMPLEMENT)[::-1] if self.strand == "-" else sequence

    @property
    def utr3(self) -> list[tuple[int, int]]:
        """Base by base: exon bases behind the coding region."""
        start, end = self.coding
        is_behind = (lambda base: base >= end) if self.strand == "+" else (lambda base: base < start)
        return [pair for first, last in self.exons if (pair := _span([base for base in range(first, last) if is_behind(base)]))]


def _span(bases: list[int]) -> tuple[int, int] | None:
    return (bases[0], bases[-1] + 1) if bases else None


@dataclass(frozen=True)
class World:
    contigs: dict[str, str]
    genes: list[Gene]

    def write(self, folder: Path, name: str = "genome.fa") -> tuple[Path, Path]:
        """(genome, annotation) as FASTA and GTF."""
        genome, annotation = folder / name, folder / "genes.gtf"
        wrapped = {contig: [text[at : at + 50] for at in range(0, len(text), 50)] for contig, text in self.contigs.items()}
        genome.write_text("".join(f">{contig} of a test\n" + "\n".join(lines) + "\n" for contig, lines in wrapped.items()))
        lines = []
        for gene in self.genes:
            attributes = f'gene_id "G{gene.name}"; transcript_id "{gene.name}";'
            coding = [(max(start, gene.coding[0]), min(end, gene.coding[1])) for start, end in gene.exons]
            rows = [("exon", *exon) for exon in gene.exons] + [("CDS", *pair) for pair in coding if pair[0] < pair[1]]
            lines += [f"{gene.contig}\tx\t{kind}\t{start + 1}\t{end}\t.\t{gene.strand}\t.\t{attributes}\n" for kind, start, end in rows]
        annotation.write_text("".join(lines))
        return genome, annotation


def make_world(seed: int, n_genes: int = 12, n_exons: int = 5, length: int = 4000) -> World:
    rng = random.Random(seed)
    contigs = {name: "".join(rng.choices("ACGTN", (30, 20, 20, 30, 1), k=length)) for name in ("chr2", "chr10", "1")}
    genes = []
    for number in range(n_genes):
        # Exons of one base to some hundreds, so that a site spans two or three of them.
        cuts = sorted(rng.sample(range(length + 1), 2 * rng.randrange(1, n_exons + 1)))
        exons = list(zip(cuts[::2], cuts[1::2], strict=True))
        bases = [base for start, end in exons for base in range(start, end)]
        first, last = sorted(rng.choices(bases, k=2))
        genes.append(Gene(f"T{number}", rng.choice(list(contigs)), rng.choice("+-"), exons, (first, last + 1)))
    return World(contigs, genes)


@pytest.fixture
def world() -> World:
    return make_world(3)
