"""GENES of a run: rows stream to a scratch file, are ranked when all are there, and become Parquet and text in a second pass."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.genes.ranking import PairRanks, strength_of, with_columns
from mirscan.output.genes import GenesTsv
from mirscan.output.parquet import ParquetRows
from mirscan.run.pair_significance import PairSignificance

N_TOP = 10


class GeneFiles:
    """Takes in GENES batches in order; `close` writes the ranked rows. `top` holds the strongest rows as dicts, strongest first.

    Memory is the batch and 8 bytes a pair. Use as a context manager: on an error no file is left.
    """

    def __init__(
        self,
        scratch: Path,
        parquet: Path,
        text: Path,
        schema: pa.Schema,
        regions: pa.StringArray | None = None,
        null: PairSignificance | None = None,
    ):
        """`regions` (n,) of the transcripts, where GENES has them as its last column; `null` where a background ran."""
        self.n_pairs, self._genes = 0, set()
        self.top: list[dict] = []
        self._scratch, self._parquet, self._text, self._schema, self._regions = scratch, parquet, text, schema, regions
        self._ranks, self._null = PairRanks(), null
        self._strongest: list[tuple[float, dict]] = []
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_file(scratch, schema, options=options)

    @property
    def n_genes(self) -> int:
        return len(self._genes)

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a batch; the rows of a gene come in one batch, all together."""
        if not len(batch):
            return
        # By name: regions of a gene are counted apart, and are one gene.
        self._genes.update(batch["gene"].dictionary.take(batch["gene"].indices.unique()).to_pylist())
        self.n_pairs += len(batch)
        self._ranks.add(batch)
        batch = batch if self._null is None else self._null.add(batch)
        self._writer.write_batch(batch)

    def close(self) -> None:
        """Rank all rows and write them."""
        self._writer.close()
        columns = dict(zip(("rank", "percentile"), self._ranks.rank(), strict=True))
        columns |= {} if self._null is None else {"q_value": self._null.q_values()}
        first = 0
        with (
            pa.memory_map(str(self._scratch)) as source,
            ParquetRows(self._parquet, self._schema, background=True) as parquet,
            GenesTsv(self._text, self._schema, self._regions) as text,
        ):
            reader = pa.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                rows = slice(first, first + len(batch))
                ranked = with_columns(batch, {name: pa.array(values[rows]) for name, values in columns.items()})
                parquet.write(ranked)
                text.write(ranked)
                self._note(ranked)
                first += len(batch)
        self.top = [row for _, row in self._strongest]

    def _note(self, batch: pa.RecordBatch) -> None:
        """Keep the strongest pairs; the first wins a tie."""
        strength = strength_of(batch)
        weakest = self._strongest[-1][0] if len(self._strongest) == N_TOP else -np.inf
        better = np.flatnonzero(strength > weakest)
        for row in better[np.argsort(-strength[better], kind="stable")[:N_TOP]]:
            self._strongest.append((float(strength[row]), batch.slice(row, 1).to_pylist()[0]))
        self._strongest.sort(key=lambda pair: -pair[0])
        del self._strongest[N_TOP:]

    def __enter__(self) -> "GeneFiles":
        return self

    def __exit__(self, error_type, error, traceback) -> None:
        try:
            if error_type is None:
                self.close()
            else:
                self._writer.close()
        finally:
            self._scratch.unlink(missing_ok=True)
