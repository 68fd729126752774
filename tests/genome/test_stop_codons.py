"""A file that counts the stop codon to the coding region, one that has a line for it, and one that does neither, give the same regions."""

from dataclasses import replace

import numpy as np
import pytest

from mirscan.genome.extract import cut_genome
from mirscan.genome.settings import RegionSettings
from mirscan.notices import Notices
from mirscan.sequence.alphabet import decode
from tests.genome.conftest import Gene, World, make_world

STOPS = ("TAA", "TAG", "TGA")


def cut(paths, region: str) -> tuple[dict[str, str], list]:
    notices = Notices()
    found = cut_genome(RegionSettings(*paths, region=[region]), notices).transcriptome
    places = zip(found.names.to_pylist(), found.begin, found.end, strict=True)
    return {name: decode(found.codes[begin:end]) for name, begin, end in places}, list(notices)


def bases_of(gene: Gene) -> list[int]:
    """Places on the genome of the bases of the transcript, 5'->3'."""
    bases = [base for start, end in gene.exons for base in range(start, end)]
    return bases if gene.strand == "+" else bases[::-1]


def coding_until(gene: Gene, end: int) -> Gene:
    """The gene with its coding region from its sixth base to before base `end` of the transcript."""
    bases = bases_of(gene)[5:end]
    return replace(gene, coding=(min(bases), max(bases) + 1))


@pytest.fixture
def stopped():
    """(world, name -> where the coding region of a gene stops): a stop codon follows there, the three bases before are none."""
    world = make_world(11, n_genes=30, n_exons=25)
    ends = {}
    for gene in world.genes:
        text = gene.splice(world.contigs, gene.exons)
        places = [at for at in range(10, len(text) - 9) if text[at : at + 3] in STOPS and text[at - 3 : at] not in STOPS]
        # Where an intron splits the stop codon, if it does anywhere.
        split = [at for at in places if abs(bases_of(gene)[at] - bases_of(gene)[at + 2]) > 2]
        ends |= {gene.name: (split or places)[0]} if places else {}
    return World(world.contigs, [gene for gene in world.genes if gene.name in ends]), ends


def write(world: World, ends: dict[str, int], folder, shift: int):
    folder.mkdir()
    return World(world.contigs, [coding_until(gene, ends[gene.name] + shift) for gene in world.genes]).write(folder)


def test_stop_codons__three_ways_to_count_them_give_the_same_regions(stopped, tmp_path):
    world, ends = stopped
    expected = {gene.name: gene.splice(world.contigs, gene.exons)[ends[gene.name] + 3 :] for gene in world.genes}
    before, inside, lined = (write(world, ends, tmp_path / name, shift) for name, shift in (("before", 0), ("inside", 3), ("lined", 0)))
    row = '{}\tx\tstop_codon\t{}\t{}\t.\t{}\t.\tgene_id "g"; transcript_id "{}";\n'
    with open(lined[1], "a") as file:
        for gene in world.genes:
            for base in bases_of(gene)[ends[gene.name] : ends[gene.name] + 3]:
                file.write(row.format(gene.contig, base + 1, base + 1, gene.strand, gene.name))
    for region in ("3utr", "cds"):
        results = {paths[1].parent.name: cut(paths, region) for paths in (before, inside, lined)}
        assert results["before"][0] == results["inside"][0] == results["lined"][0]
        assert [len(notices) for _, notices in results.values()] == [1, 0, 0]
    assert results["before"][1][0].count == len(world.genes) > 20
    assert cut(before, "3utr")[0] == expected
    both = {gene.strand for gene in world.genes if np.ptp(bases_of(gene)[ends[gene.name] : ends[gene.name] + 3]) > 2}
    assert both == {"+", "-"}


def test_stop_codons__a_few_by_chance_change_nothing(stopped, tmp_path):
    world, ends = stopped
    shifts = {name: end + (0 if number < len(ends) // 2 else 3) for number, (name, end) in enumerate(ends.items())}
    found, notices = cut(write(world, shifts, tmp_path / "mixed", 0), "3utr")
    assert found == {gene.name: gene.splice(world.contigs, gene.exons)[shifts[gene.name] :] for gene in world.genes}
    assert notices == []


def test_stop_codons__the_first_contigs_of_a_large_file_tell(stopped, tmp_path, monkeypatch):
    monkeypatch.setattr("mirscan.genome.stop_codons._ENOUGH", 5)
    world, ends = stopped
    inside, _ = cut(write(world, ends, tmp_path / "inside", 3), "3utr")
    assert cut(write(world, ends, tmp_path / "before", 0), "3utr")[0] == inside
