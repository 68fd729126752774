"""Published sites of the fly beside those that mirscan finds on the same 3'UTRs, with what explains each difference.

    python benchmarks/genome/compare_fly_sites.py [--data FOLDER] [--positions .../Fig2/targetsites/three_prime_UTR]

FOLDER/fly holds files of vagarwal87/TargetScanTools (MIT; Agarwal et al. 2018, Genome Res 28:1500): utr3_seqs.fa.gz, id2geneid.txt.gz and
feature_table_transfections.txt.gz, the sites of six miRNAs by gene and type. With a checkout of that repository, --positions compares the
89,979 conserved sites of 91 families, too, each with its place.
"""

import argparse
import gzip
import os
from collections import Counter
from pathlib import Path

import pandas as pd

import mirscan as ms

# Their words for ours.
TYPES = {"8m": "8mer", "7m8": "7mer-m8", "7A1": "7mer-A1", "6m": "6mer", "6A1": "6mer-A1", "o6": "offset-6mer"}
PAIR = ["gene", "mirna"]
# Their list begins behind the ribosome's shadow, goes on 5 to 7 nt behind a site, and ends where 8 nt no longer fit. Sites are placed by
# where an 8mer there would begin.
SHADOW, STEP, WINDOW = 15, 8, 7


def read_utrs(folder: Path) -> dict[str, tuple[str, str]]:
    """Number of a UTR -> (gene, sequence)."""
    with gzip.open(folder / "id2geneid.txt.gz", "rt") as file:
        genes = {number: gene for number, region, gene in map(str.split, file) if region == "three_prime_UTR"}
    with gzip.open(folder / "utr3_seqs.fa.gz", "rt") as file:
        records = [record.split("\n", 1) for record in file.read().split(">")[1:]]
    return {number: (genes[number], sequence.replace("\n", "")) for number, sequence in records}


def find_sites(utrs: dict[str, str], mirnas: dict[str, str]) -> pd.DataFrame:
    """All sites of six types, one row each: gene, mirna, type, and where an 8mer there would begin, 0-based."""
    transcriptome = ms.transcriptome_from_sequences(list(utrs), list(utrs.values()))
    known = ms.mirnas_from_sequences(list(mirnas), list(mirnas.values()))
    found = ms.find_candidates(transcriptome, known, seeds=list(TYPES.values())).to_pandas()
    names = {"gene": found.transcript.astype(str), "mirna": found.mirna.astype(str), "type": found.seed.astype(str)}
    return pd.DataFrame({**names, "place": found.anchor - WINDOW})


def compare_counts(folder: Path) -> None:
    published = pd.read_csv(folder / "feature_table_transfections.txt.gz", sep="\t")
    published = published.rename(columns={"GENE_ID": "gene", "MIR_ID": "mirna"}).assign(type=published.TYPE.map(TYPES))
    genes = set(published.gene)
    utrs = {gene: sequence for gene, sequence in read_utrs(folder).values() if gene in genes}
    lengths = published.drop_duplicates("gene").set_index("gene").LEN_3UTR
    print(f"{len(published):,} published sites in {published.groupby(PAIR).ngroups:,} pairs of {len(lengths):,} genes and six miRNAs")
    print(f"3'UTRs as long as published: {sum(len(utrs[gene]) == length for gene, length in lengths.items()):,}\n")
    found = find_sites(utrs, published.drop_duplicates("mirna").set_index("mirna").MIR.to_dict())
    found = found.merge(published[PAIR].drop_duplicates(), on=PAIR).sort_values([*PAIR, "place"])
    gaps = found.groupby(PAIR).place
    found["kind"] = ""
    found.loc[(gaps.diff() < STEP) | (gaps.diff(-1) > -STEP), "kind"] = "close"
    found.loc[found.place + WINDOW >= found.gene.map(lengths), "kind"] = "end"
    found.loc[found.place < SHADOW, "kind"] = "shadow"
    print_table(published, found)


def print_table(published: pd.DataFrame, found: pd.DataFrame) -> None:
    print(
        "| type | published | of them found | found besides | in the first 15 nt | at the last bases | overlapping another | unexplained |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in TYPES.values():
        theirs, ours = count(published[published.type == name]), found[found.type == name]
        kinds, left = [], count(ours) - theirs
        for kind in ("shadow", "end", "close"):
            explained = left & count(ours[ours.kind == kind])
            kinds.append(explained.total())
            left -= explained
        numbers = (theirs.total(), (theirs & count(ours)).total(), sum(kinds) + left.total(), *kinds, left.total())
        print(f"| {name} | " + " | ".join(f"{number:,}" for number in numbers) + " |")


def count(sites: pd.DataFrame) -> Counter:
    return Counter(zip(sites.gene, sites.mirna, strict=True))


def compare_positions(folder: Path, positions: Path) -> None:
    """Conserved sites: a part of all, so only whether each is found where it is said to be, and as what."""
    utrs, total, same, moved = read_utrs(folder), 0, 0, Counter()
    for path in sorted(positions.glob("*_flank.out")):
        theirs = pd.read_csv(path, sep="\t", names=["utr", "place", "type", "length", "word"], dtype={"utr": str})
        seed = next(iter(theirs[theirs.type == "o6"].word)) + next(iter(theirs[theirs.type == "6m"].word))[-1]
        mirna = ms.sequence.alphabet.decode(ms.sequence.alphabet.complement(ms.sequence.alphabet.encode(seed))[::-1])
        asked = {number: utrs[number][1] for number in theirs.utr.unique()}
        found = find_sites(asked, {"m": f"N{mirna}{'N' * 12}"}).set_index(["gene", "place"]).type.to_dict()
        for utr, place, kind in zip(theirs.utr, theirs.place, theirs.type, strict=True):
            total += 1
            ours = found.get((utr, place))
            same += ours == TYPES[kind]
            moved[TYPES[kind], ours] += ours != TYPES[kind]
    print(f"\n{total:,} conserved sites with places: {same:,} found there with the same type")
    for (theirs, ours), n in moved.most_common():
        if n:
            print(f"  {n:,} published as {theirs}, found as {ours}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("MIRSCAN_DATA"), help="folder with fly/")
    parser.add_argument("--positions", type=Path, help="folder of *_flank.out")
    asked = parser.parse_args()
    if asked.data is None:
        parser.error("--data or MIRSCAN_DATA must name the folder with fly/")
    compare_counts(Path(asked.data) / "fly")
    if asked.positions:
        compare_positions(Path(asked.data) / "fly", asked.positions)


if __name__ == "__main__":
    main()
