"""A finished run opened for reading: what it says about itself, and its tables as views of DuckDB."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from mirscan.errors import InputError, RunError
from mirscan.lean import spare_pandas
from mirscan.run.report_file import read_report
from mirscan.store.explained import explained_errors
from mirscan.store.names import GENES, PLAN, REPORT
from mirscan.store.names import SITES as SITES_FOLDER
from mirscan.store.opening import open_store
from mirscan.store.protocol import Store

# The views, named as users of --sql see them.
SITES_VIEW, GENES_VIEW = "sites", "genes"


@dataclass(frozen=True)
class FinishedRun:
    """A run whose results are whole. `report` is the content of run.json, `files` the local path of each result by its name."""

    store: Store
    report: dict
    files: dict[str, str]

    @cached_property
    def _connection(self):
        import duckdb

        connection = duckdb.connect()
        parts = [path for name, path in self.files.items() if name.startswith(f"{SITES_FOLDER}/")]
        for view, paths in ((SITES_VIEW, parts), (GENES_VIEW, [self.files[GENES]])):
            connection.execute(f"CREATE VIEW {view} AS SELECT * FROM read_parquet([{', '.join(map(quote_path, paths))}])")
        return connection

    @cached_property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Columns of each view, in order; runs differ in them (features, genome coordinates)."""
        return {view: tuple(self.sql(f"SELECT * FROM {view} LIMIT 0").column_names) for view in (SITES_VIEW, GENES_VIEW)}

    @property
    def is_scored(self) -> bool:
        """Whether sites have scores."""
        return self.report["settings"]["model"] != "none"

    def sql(self, statement: str, parameters: Sequence = (), wanted: pa.Table | None = None) -> pa.Table:
        """The rows of a SELECT over `sites`, `genes` and the table `wanted`; raises InputError, in one line, where DuckDB refuses it."""
        import duckdb

        try:
            if wanted is not None:
                self._connection.register("wanted", wanted)
            rows = self._connection.sql(statement, params=list(parameters) or None)
            if rows is None:
                raise InputError(f"SQL {statement!r}: gives no rows; expected a SELECT over the tables sites and genes")
            return rows.to_arrow_table()
        except duckdb.Error as error:
            raise InputError(f"SQL: {_first_line(error)}") from None

    def values(self, statement: str, parameters: Sequence = ()) -> list:
        """The first column of `sql` as a list."""
        return self.sql(statement, parameters).column(0).to_pylist()


def open_run(out: str | os.PathLike) -> FinishedRun:
    """The finished run at a folder or URL; raises RunError where there is none or it is not whole.

    >>> _ = ms.scan("examples/mirnas.fa", "examples/utrs.fa.gz", out="opened-run", model="none")
    >>> run = ms.open_run("opened-run")
    >>> run.sql("SELECT count(*) AS n FROM sites WHERE seed = '8mer'").to_pylist()
    [{'n': 359}]
    """
    spare_pandas()
    store = open_store(out)
    with explained_errors(store.root):
        if not store.exists(PLAN) and not store.exists(REPORT):
            raise RunError(f"{store.root}: not a run of mirscan; expected a folder that `mirscan scan --out` made")
        report = read_report(store)
        if report is None:
            raise RunError(
                f"{store.root}: the run is not finished, or a file of it was changed since; `mirscan resume {store.root}` completes it"
            )
        names = (name for name in report["result"]["files"] if name.endswith(".parquet"))
        return FinishedRun(store, report, {name: os.fspath(store.local(name)) for name in names})


def quote_path(path: str) -> str:
    """A path as a literal in SQL; DuckDB would take *, ? and [ for patterns."""
    literal = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)
    return "'" + literal.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    """What DuckDB says, up to the place where it begins to draw."""
    return str(error).split("\n\nLINE")[0].replace("\n", " ").strip()
