"""The columns of a PAIRS table as arrays."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Positive or negative, for soft labels too.
POSITIVE = 0.5


def labels_of(pairs: pa.Table) -> np.ndarray:
    """Labels (n,) float32."""
    return pairs["label"].to_numpy()


def weights_of(pairs: pa.Table) -> np.ndarray | None:
    """Weights (n,) float32, or None where the files state none."""
    return pairs["weight"].to_numpy() if "weight" in pairs.column_names else None


def pair_keys(pairs: pa.Table) -> np.ndarray:
    """One int64 (n,) a row, equal for rows of the same miRNA and target; numbers have no meaning outside this table."""
    mirna, target = group_codes(pairs["mirna"]), group_codes(pairs["target"])
    return mirna * (int(target.max(initial=0)) + 1) + target


def group_codes(column: pa.ChunkedArray) -> np.ndarray:
    """Integer (n,) int64 a row, equal for equal values."""
    return column.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)


def seed_families(pairs: pa.Table) -> pa.Array:
    """Family (n,) strings: the column where it is filled, else miRNA nt 2-8, or the family named for that seed in other rows."""
    seeds = pc.utf8_slice_codeunits(pairs["mirna"].combine_chunks(), 1, 8)
    if "family" not in pairs.column_names:
        return seeds
    named = pairs["family"].combine_chunks()
    # Files without the column must meet those with it: the same seed gets the same family name.
    known = pa.table({"seed": seeds, "family": named}).filter(pc.is_valid(named)).group_by("seed").aggregate([("family", "min")])
    place = pc.index_in(seeds, known["seed"].combine_chunks())
    return pc.coalesce(named, pc.take(known["family_min"].combine_chunks(), place), seeds)


def family_codes(pairs: pa.Table) -> np.ndarray:
    """Integer (n,) a row, equal for rows of one family as `seed_families` has it."""
    return group_codes(pa.chunked_array([seed_families(pairs)]))


def cluster_codes(pairs: pa.Table) -> np.ndarray:
    """Integer (n,) a row, equal for rows of one cluster: the column where it is filled, else the same target sequence."""
    if "cluster" not in pairs.column_names:
        return group_codes(pairs["target"])
    # Clusters are numbered within a file, so the file belongs to the name.
    named = pc.binary_join_element_wise(pairs["source"], pairs["cluster"], " ")
    return group_codes(pc.coalesce(named, pairs["target"]))
