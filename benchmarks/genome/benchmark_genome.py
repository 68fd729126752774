"""A human-size annotation, and as many sites as human 3'UTRs have, on a genome of random numbers.

    python benchmarks/genome/benchmark_genome.py [annotation] [bed] [--lines 3500000] [--sites 26000000]

Nothing is downloaded: the annotation has the structure and the attributes of a GENCODE GTF, the places are spliced as 3'UTRs are.
CPU seconds are the truer figure on a shared machine; every line says both.
"""

import argparse
import random
import resource
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.genome.annotation import read_annotation
from mirscan.genome.projection import Projection, project_transcriptome
from mirscan.notices import Notices
from mirscan.output.bed import BedBlocks, BedText
from mirscan.output.genome_bed import SiteNames, cut_genome, merge_isoforms, place_rows, write_bed12
from mirscan.output.tabix import join_runs, shift_runs, write_index
from mirscan.sequence.headers import Place
from mirscan.sequence.transcriptome import Transcriptome

# As human 3'UTRs have: one a gene, 30.5 million bases, one of six spliced; 2,656 miRNAs; rows of a batch of a scan.
N_UTRS, UTR_BASES, N_MIRNAS, BATCH = 17_660, 1_727, 2_656, 1 << 17
RULES = ["8mer", "7mer-m8", "7mer-A1", "6mer"]
ATTRIBUTES = (
    'gene_id "ENSG{gene:011d}.5"; transcript_id "ENST{transcript:011d}.3"; gene_type "protein_coding"; gene_name "GENE{gene}"; '
    'transcript_type "{biotype}"; transcript_name "GENE{gene}-201"; level 2; protein_id "ENSP{transcript:011d}.3"; '
    'transcript_support_level "1"; hgnc_id "HGNC:{gene}"; tag "basic"; tag "{tag}"; tag "CCDS"; havana_transcript "OTTHUMT{gene:011d}.2";'
)


@contextmanager
def clock(what: str):
    started, used = time.perf_counter(), time.process_time()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{what}: {time.perf_counter() - started:.1f} s, {time.process_time() - used:.1f} s of CPU, peak so far {peak:,.0f} MiB", flush=True
    )


def write_annotation(path: Path, n_lines: int) -> None:
    """A GTF of genes with several isoforms, half of them coding, exons of random length."""
    rng, n, position, gene, transcript = random.Random(1), 0, 1000, 0, 0
    with open(path, "w") as file:
        while n < n_lines:
            gene += 1
            length = rng.randrange(5_000, 60_000)
            chromosome, strand = f"chr{gene % 22 + 1}", "+-"[gene % 2]
            for isoform in range(rng.randrange(1, 9)):
                transcript += 1
                lines = _transcript(rng, position, length, bool(rng.randrange(2)))
                tag, biotype = ("MANE_Select", "CCDS")[isoform > 0], ("lncRNA", "protein_coding")[len(lines) % 2]
                text = ATTRIBUTES.format(gene=gene, transcript=transcript, tag=tag, biotype=biotype)
                file.writelines(f"{chromosome}\tHAVANA\t{kind}\t{a}\t{b}\t.\t{strand}\t.\t{text} exon_number 1;\n" for kind, a, b in lines)
                n += len(lines)
            position += length + 500


def _transcript(rng: random.Random, position: int, length: int, is_coding: bool) -> list[tuple[str, int, int]]:
    n_exons = rng.randrange(2, 14)
    cuts = sorted(rng.sample(range(position, position + length), 2 * n_exons))
    exons = list(zip(cuts[::2], cuts[1::2], strict=True))
    coding = exons[n_exons // 4 : n_exons - n_exons // 4] if is_coding else []
    lines = [("transcript", cuts[0], cuts[-1])]
    return lines + [("exon", *exon) for exon in exons] + [("CDS", *exon) for exon in coding]


def make_projection() -> Projection:
    """Places of as many 3'UTRs as human genes have, on 24 contigs."""
    rng = np.random.default_rng(1)
    places = []
    for number in range(N_UTRS):
        start = int(rng.integers(0, 2 * 10**8))
        cut = UTR_BASES // 2
        blocks = ((start, start + cut), (start + cut + 900, start + UTR_BASES + 900)) if number % 6 == 0 else ((start, start + UTR_BASES),)
        places.append(str(Place(f"chr{number % 24}", blocks, "+-"[number % 2])))
    begin = np.arange(N_UTRS, dtype=np.int64) * (UTR_BASES + 1) + 1
    names = pa.array([f"NM_{number}" for number in range(N_UTRS)])
    no_codes = np.empty(0, np.uint8)
    return project_transcriptome(Transcriptome(no_codes, begin, begin + UTR_BASES, names, names, names, pa.array(places), names))


def site_batches(n_sites: int):
    """Sites in the order of a scan: transcript, start, miRNA."""
    rng = np.random.default_rng(2)
    for first in range(0, n_sites, BATCH):
        n = min(BATCH, n_sites - first)
        base = np.sort(rng.random(n)) * n * N_UTRS * (UTR_BASES - 8) / n_sites + first * N_UTRS * (UTR_BASES - 8) / n_sites
        transcript, start = np.divmod(base.astype(np.int64), UTR_BASES - 8)
        seed = rng.integers(0, 4, n).astype(np.int32)
        mirna, score = rng.integers(0, N_MIRNAS, n).astype(np.int32), rng.random(n).astype(np.float32)
        yield transcript.astype(np.int32), mirna, start.astype(np.int32), (start + 8).astype(np.int32), seed, score


def race_beds(n_sites: int, folder: Path) -> None:
    projection, names = make_projection(), [f"NM_{number}" for number in range(N_UTRS)]
    mirnas = [f"hsa-miR-{number}-5p" for number in range(N_MIRNAS)]
    site_names = SiteNames(mirnas, RULES, names, names, np.arange(N_UTRS))
    with clock(f"{n_sites:,} sites, BED9 on transcripts"), open(folder / "BED9.bed.gz", "wb") as file:
        blocks = BedBlocks(file, BedText(names, mirnas, RULES))
        for columns in site_batches(n_sites):
            blocks.write(*columns)
        write_index(blocks.close(), names, file.name)
    with clock(f"{n_sites:,} sites, BED12 on the genome"), open(folder / "BED12.bed.gz", "wb") as file:
        parts = [sort_places(projection, columns) for columns in site_batches(n_sites)]
        cuts = cut_genome(projection, len(parts))
        bounds = [np.concatenate(([0], np.searchsorted(rows["place"], cuts), [len(rows)])) for rows in parts]
        runs = []
        for number in range(len(parts)):
            pieces = [rows[ends[number] : ends[number + 1]] for rows, ends in zip(parts, bounds, strict=True)]
            rows = merge_isoforms(np.concatenate(pieces), projection, site_names)
            place = file.tell()
            runs.append(shift_runs(write_bed12(file, rows, projection, site_names), 0, place))
        write_index(join_runs(runs), projection.contigs, file.name)


def sort_places(projection: Projection, columns: tuple) -> np.ndarray:
    """Sites in the order of the genome."""
    rows = place_rows(projection, *columns)
    return rows[np.argsort(rows["place"], kind="stable")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=["annotation", "bed"])
    parser.add_argument("--lines", type=int, default=3_500_000)
    parser.add_argument("--sites", type=int, default=26_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if "annotation" in asked.what:
            path = Path(folder, "genes.gtf")
            write_annotation(path, asked.lines)
            with clock(f"{asked.lines:,} lines of GTF, {path.stat().st_size / 1e9:.2f} GB"):
                read_annotation(path, notices=Notices(), use_cache=False)
        if "bed" in asked.what:
            race_beds(asked.sites, Path(folder))


if __name__ == "__main__":
    main()
