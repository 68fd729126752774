"""Genes of several parts: which they are, by the definition; and that rows of genes do not show where a run was cut."""

import random

import numpy as np
import pyarrow.parquet as pq
import pytest

from mirscan.genes import aggregate_genes
from mirscan.run.gene_stretches import stretch_genes
from mirscan.run.plan import cut_parts
from mirscan.sequence.mirnas import read_mirnas
from mirscan.sequence.transcriptome import read_transcriptome


@pytest.mark.parametrize("seed", range(30))
def test_stretches__hold_whole_genes_and_know_their_parts(seed):
    rng = random.Random(seed)
    genes = np.repeat(np.arange(12), [rng.choice([1, 1, 2, 5]) for _ in range(12)])
    lengths = np.array([rng.choice([1, 30, 200, 3_000]) for _ in genes])
    parts = cut_parts(lengths, rng.choice([1, 3, 9, 40]))
    parts_of = {gene: [n for n, part in enumerate(parts) if gene in genes[part.first : part.last]] for gene in set(genes.tolist())}
    stretches = stretch_genes(parts, genes)
    found = [
        (number, stretch.parts[0], stretch.parts[-1]) for stretch in stretches.values() for number in range(stretch.first, stretch.last)
    ]
    # Every transcript once, in order, with all parts that its gene has sites in.
    assert found == [(transcript, parts_of[gene][0], parts_of[gene][-1]) for transcript, gene in enumerate(genes.tolist())]
    cut = {f"cut-{numbers[-1]:05d}" for numbers in parts_of.values() if len(numbers) > 1}
    assert set(stretches) == cut | {f"part-{number:05d}" for number in range(len(parts))}


@pytest.mark.parametrize("settings", [{"seeds": "extended"}, {"model": "duplex", "min_score": 0.4}])
def test_stretches__one_gene_of_many_parts_has_the_rows_of_one_part(runs, tmp_path, settings):
    rng = random.Random(5)
    sequences = ["".join(rng.choices("ACGT", k=20_000)) for _ in range(4)]
    # The third gene's isoforms, and each of them, are longer than a part.
    genes = ["g0", "g1", "g1", "g2"]
    records = [f">tx{number}|{gene}|S\n{letters}\n" for number, (gene, letters) in enumerate(zip(genes, sequences, strict=True))]
    (tmp_path / "utr.fa").write_text("".join(records))
    for name, part_rows in (("cut", 5), ("whole", 10**9)):
        runs.scan(tmp_path / name, transcripts=tmp_path / "utr.fa", part_rows=part_rows, **settings)
    assert len(list((tmp_path / "cut" / "sites").iterdir())) > 10
    assert runs.contents(tmp_path / "cut") == runs.contents(tmp_path / "whole")
    found = pq.read_table(tmp_path / "cut" / "genes.parquet")
    columns = ["gene", "mirna", "transcript", "n_sites", "n_8mer", "n_apart", "best_score", "combined_score", "rank"]
    inputs = read_transcriptome(tmp_path / "utr.fa"), read_mirnas(runs.mirnas)
    expected = aggregate_genes(runs.sites(tmp_path / "cut"), *inputs)
    assert found.select(columns).to_pylist() == expected.select(columns).to_pylist()
