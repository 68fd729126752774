"""TargetScan 7's own sample: 213 sites, position for position and type for type, and the features behind its context scores."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from mirscan.search.candidates import find_candidates
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import read_transcriptome

DATA = Path(__file__).parents[1] / "data" / "targetscan7"


def read_rows(name):
    opener = gzip.open if name.endswith(".gz") else open
    with opener(DATA / name, "rt") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_targetscan__all_213_sites_with_the_ribosome_shadow_masked():
    families = read_rows("seeds.tsv")
    species = {row["family"]: row["species"].split(";") for row in families}
    # A family is nt 2-8; nt 1 does not matter.
    mirnas = mirnas_from_sequences(species, ["N" + row["seed"] for row in families])
    found = find_candidates(read_transcriptome(DATA / "utrs.fa.gz"), mirnas, mask_start=14).to_pylist()
    own = [row for row in found if row["transcript"].rsplit("_")[1] in species[row["mirna"]]]
    sites = sorted((row["transcript"], row["start"], row["mirna"], row["end"], row["seed"]) for row in own)
    expected = sorted((r["transcript"], int(r["start"]), r["family"], int(r["end"]), r["seed"]) for r in read_rows("sites.tsv"))
    assert len(expected) == 213
    assert sites == expected


def test_targetscan__conserved_sites_of_the_fly_where_they_are_published():
    """45 of the 89,979 in vagarwal87/TargetScanTools (MIT), of miR-iab-8; a place is where an 8mer there would begin."""
    types = {"8m": "8mer", "7m8": "7mer-m8", "7A1": "7mer-A1", "6m": "6mer", "o6": "offset-6mer"}
    mirna = mirnas_from_sequences(["iab-8"], ["UUACGUAUACUGAAGGUAUACCG"])
    utrs = read_transcriptome(DATA.parent / "fly_conserved_utrs.fa.gz")
    found = find_candidates(utrs, mirna, seeds=list(types.values())).to_pylist()
    ours = {(row["transcript"], row["anchor"] - 7): row["seed"] for row in found}
    with open(DATA.parent / "fly_conserved_sites.tsv") as handle:
        published = {(row["utr"], int(row["place"])): types[row["type"]] for row in csv.DictReader(handle, delimiter="\t")}
    assert len(published) == 45 and set(published.values()) == set(types.values())
    assert {place: ours.get(place) for place in published} == published


@pytest.fixture(scope="module")
def contributions():
    """(seed, column) -> pairs of our feature and TargetScan's contribution, which is a line of its own feature."""
    rows = read_rows("context.tsv.gz")
    sequences = sorted({row["mirna"] for row in rows})
    mirnas = mirnas_from_sequences(sequences, sequences)
    found = find_candidates(read_transcriptome(DATA / "utrs.fa.gz"), mirnas, features=("local_au", "supplementary")).to_pylist()
    ours = {(row["transcript"], row["start"], row["mirna"]): row for row in found}
    pairs = {}
    for row in rows:
        site = ours[row["transcript"], int(row["start"]), row["mirna"]]
        for column, name in (("supplementary", "three_prime"), ("local_au", "local_au")):
            pairs.setdefault((row["seed"], column), []).append((site[column], float(row[name])))
    return {key: np.array(values).T for key, values in pairs.items()}


@pytest.mark.parametrize("column", ["supplementary", "local_au"])
@pytest.mark.parametrize("seed", ["8mer", "7mer-m8", "7mer-A1", "6mer"])
def test_feature__is_targetscans_up_to_rounding(contributions, seed, column):
    ours, theirs = contributions[seed, column]
    slope, intercept = np.polyfit(ours, theirs, 1)
    assert slope < -0.005
    # Printed with three decimals, computed from a fraction of three decimals.
    assert np.abs(slope * ours + intercept - theirs).max() < 0.0007
