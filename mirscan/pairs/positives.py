"""The positives that negatives are made for: distinct pairs, the pool of miRNAs, and who belongs to which family."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.pairs.clean import clean_pairs
from mirscan.pairs.columns import POSITIVE, cluster_codes, group_codes, seed_families
from mirscan.pairs.read import read_pairs
from mirscan.sequence.mirnas import MirnaSet, mirnas_from_sequences, read_mirnas
from mirscan.tables import NEGATIVES


@dataclass(frozen=True)
class MirnaPool:
    """Distinct miRNA sequences as Arrow strings (k,), with a name each, and a family as number (k,) and as string (k,)."""

    sequences: pa.StringArray
    names: pa.StringArray
    families: pa.StringArray
    family: np.ndarray

    def __len__(self) -> int:
        return len(self.sequences)

    @cached_property
    def mirnas(self) -> MirnaSet:
        """The pool as a scan takes it, named by sequence."""
        sequences = self.sequences.to_pylist()
        return mirnas_from_sequences(sequences, sequences)


@dataclass(frozen=True)
class Positives:
    """Distinct positive pairs: row r is miRNA `mirna[r]` of the pool on site `site[r]` of `sites`.

    `site_cluster` (n_sites,) groups sites of one gene cluster. `read` counts the rows of the files, `dropped` those among them that were
    negative, contradictory or repeated.
    """

    pool: MirnaPool
    sites: pa.StringArray
    mirna: np.ndarray
    site: np.ndarray
    site_cluster: np.ndarray
    read: int
    dropped: int

    def __len__(self) -> int:
        return len(self.mirna)


def read_positives(paths: str | Path | Sequence[str | Path], mirnas: str | os.PathLike | None = None) -> Positives:
    """Positives of files of pairs (a file without labels holds positives only; negatives are left out, soft labels count from .5).

    `mirnas`: FASTA whose miRNAs join the pool that negatives are drawn from. Raises InputError as `read_pairs` and `read_mirnas` do, and
    where no positive is left.
    """
    read = read_pairs(paths, assumed_label=1.0)
    table = clean_pairs(read)[0]
    table = table.filter(pc.greater_equal(table["label"], POSITIVE))
    if not table.num_rows:
        names = ", ".join(map(str, [paths] if isinstance(paths, str | Path) else paths))
        raise InputError(f"{names}: none of {counted(read.num_rows, 'pair')} is a positive; expected pairs with a label of 0.5 or more")
    mirna, site = group_codes(table["mirna"]), group_codes(table["target"])
    first_rows = np.unique(site, return_index=True)[1]
    return Positives(
        pool=_pool(table, mirnas),
        sites=table["target"].combine_chunks().dictionary_encode().dictionary,
        mirna=mirna,
        site=site,
        site_cluster=cluster_codes(table)[first_rows],
        read=read.num_rows,
        dropped=read.num_rows - table.num_rows,
    )


def _pool(table: pa.Table, path: str | os.PathLike | None) -> MirnaPool:
    columns = {name: table[name] for name in ("mirna", "mirna_name", "family") if name in table.column_names}
    both = pa.table(columns)
    if path is not None:
        more = read_mirnas(path)
        rows = {"mirna": [more.sequence(i) for i in range(len(more))], "mirna_name": list(more.names)}
        both = pa.concat_tables([both, pa.table(rows)], promote_options="default")
    encoded = both["mirna"].combine_chunks().dictionary_encode()
    # Codes count sequences in order of first appearance, so those of the positives come first and keep their numbers.
    first = pa.array(np.unique(encoded.indices.to_numpy(), return_index=True)[1])
    sequences = encoded.dictionary
    names = pc.coalesce(both["mirna_name"], both["mirna"]).take(first).combine_chunks() if "mirna_name" in both.column_names else sequences
    families = seed_families(both).take(first)
    return MirnaPool(sequences, names, families, group_codes(pa.chunked_array([families])))


def site_clusters(positives: Positives, site: np.ndarray) -> pa.StringArray:
    """Cluster (n,) of sites by number; no file's own word, which could mean another group in another file."""
    return pc.binary_join_element_wise("c", pa.array(positives.site_cluster[site]).cast(pa.string()), "")


def negatives_table(
    pool: MirnaPool,
    kind: str,
    mirna: np.ndarray,
    targets: pa.StringArray,
    cluster: pa.Array,
    label: float = 0.0,
    seed: pa.Array | None = None,
    transcript: pa.Array | None = None,
    start: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> pa.Table:
    """NEGATIVES rows of pool numbers `mirna` (n,), `targets` (n,) and the `cluster` (n,) of each."""
    n, take = len(mirna), pa.array(mirna)
    blank = pa.repeat(pa.scalar(""), n)
    columns = {
        "mirna": pool.sequences.take(take),
        "target": targets,
        "label": pa.array(np.full(n, label, np.float32)),
        "mirna_name": pool.names.take(take),
        "family": pool.families.take(take),
        "cluster": cluster,
        "kind": pa.repeat(pa.scalar(kind), n),
        "seed": blank if seed is None else seed,
        "transcript": blank if transcript is None else transcript,
        "start": pa.nulls(n, pa.int32()) if start is None else pa.array(start.astype(np.int32)),
        "weight": pa.array(np.ones(n, np.float32) if weight is None else weight.astype(np.float32)),
    }
    return pa.table(columns, schema=NEGATIVES.schema())


def window_strings(windows: np.ndarray) -> pa.StringArray:
    """Letters of codes (n, length), one string a row."""
    from mirscan.sequence.alphabet import LETTERS

    letters = np.frombuffer(LETTERS.encode(), np.uint8)[windows]
    offsets = np.arange(len(windows) + 1, dtype=np.int32) * np.int32(windows.shape[1])
    return pa.StringArray.from_buffers(len(windows), pa.py_buffer(offsets), pa.py_buffer(letters.tobytes()))
