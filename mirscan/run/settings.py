"""What a scan is asked to do: settings that change the result, and options that only say how to run."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields

from mirscan.errors import InputError
from mirscan.tables import FEATURES

DEFAULT_SEEDS = ("8mer", "7mer-m8", "7mer-A1", "6mer")
DEFAULT_MODEL = "base"
# Words of --model that are no model folder: no score at all, and the duplex energy as score.
NO_MODEL, DUPLEX = "none", "duplex"
ENERGY = "energy"
# Rows a part should have. Without a model a part of 2 million takes a second; with one, a quarter of a million takes about
# as many seconds as a worker may lose without harm.
PART_ROWS_PLAIN, PART_ROWS_SCORED = 2_000_000, 250_000
# Positions are int32; a batch of a million windows takes tens of gigabytes in a network.
MAX_NT, MAX_BATCH, MAX_THREADS = 2**31, 1 << 20, 1024


@dataclass(frozen=True)
class ScanSettings:
    """Everything that decides which rows come out. Two runs of equal settings on equal inputs write equal bytes.

    `mirnas`, `transcripts`: FASTA paths. `species`: prefix of miRNA names. `gene_map`: TSV transcript, gene, symbol.
    `seeds`: rule names, groups or TOML files. `model`: name, folder or "none". `min_score`: calibrated score (0-1) that a site must reach.
    `mask_start`: nt at the start of each transcript without sites. `min_distance`: nt between sites of one miRNA.
    `regions`: BED of places to scan. `features`: extra columns of SITES. `prefilter`: drop candidates that the cheaper
    scorer named in the model's card excludes. `part_rows`: candidates a part should have.
    """

    mirnas: str
    transcripts: tuple[str, ...]
    species: str | None = None
    gene_map: str | None = None
    seeds: tuple[str, ...] = DEFAULT_SEEDS
    all_types: bool = False
    model: str = DEFAULT_MODEL
    min_score: float = 0.0
    precision: str = "auto"
    batch_size: int | None = None
    prefilter: bool = False
    mask_start: int = 0
    min_distance: int = 0
    regions: str | None = None
    features: tuple[str, ...] = ()
    part_rows: int | None = None

    def __post_init__(self):
        if not 0 <= self.min_score <= 1:
            raise InputError(f"--min-score {self.min_score}: expected a number from 0 to 1")
        if self.min_score and not self.is_scored:
            raise InputError("--min-score needs a model; leave it out or choose a --model")
        if self.prefilter and not self.has_model_folder:
            raise InputError(f"--prefilter needs a network to spare; expected a --model other than {self.model}")
        for name in ("mask_start", "min_distance"):
            if not 0 <= getattr(self, name) < MAX_NT:
                raise InputError(f"--{name.replace('_', '-')} {getattr(self, name)}: expected 0 to {MAX_NT - 1:,} nucleotides")
        if self.batch_size is not None and not 1 <= self.batch_size <= MAX_BATCH:
            raise InputError(f"--batch-size {self.batch_size}: expected 1 to {MAX_BATCH:,} windows")
        known = [column.name for column in FEATURES]
        for name in self.features:
            if name not in known:
                raise InputError(f"--features {name}: unknown; expected {', '.join(known)}")
        if self.part_rows is not None and self.part_rows < 1:
            raise InputError(f"--part-rows {self.part_rows}: expected 1 or more")

    @property
    def is_scored(self) -> bool:
        """Whether candidates get a score at all."""
        return self.model != NO_MODEL

    @property
    def has_model_folder(self) -> bool:
        """Whether the score comes from a trained model rather than from mirscan's own code."""
        return self.model not in (NO_MODEL, DUPLEX)

    @property
    def drops_rows(self) -> bool:
        """Whether fewer sites than candidates come out."""
        return self.min_score > 0 or self.prefilter

    @property
    def needs_whole_transcripts(self) -> bool:
        """Whether sites of one transcript must be seen together."""
        return self.min_distance > 0 or "previous_distance" in self.features

    @property
    def rows_per_part(self) -> int:
        """Candidates a part should have."""
        return self.part_rows or (PART_ROWS_SCORED if self.is_scored else PART_ROWS_PLAIN)

    @property
    def scan_features(self) -> tuple[str, ...]:
        """The features that the scan computes; the duplex energy is computed with the windows."""
        return tuple(name for name in self.features if name != ENERGY)

    def to_dict(self) -> dict:
        """Plain values for plan.json."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict) -> "ScanSettings":
        """The settings of a plan.json."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in known})


def make_settings(mirnas: str | os.PathLike, transcripts: str | os.PathLike | Sequence[str | os.PathLike], **settings) -> ScanSettings:
    """ScanSettings from what a caller is likely to have: one path or many, words as a list or separated by commas."""
    paths = [transcripts] if isinstance(transcripts, str | os.PathLike) else transcripts
    for name in ("seeds", "features"):
        if name in settings:
            settings[name] = _split_words(settings[name])
    return ScanSettings(mirnas=os.fspath(mirnas), transcripts=tuple(os.fspath(path) for path in paths), **settings)


def _split_words(words: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(word.strip() for text in ([words] if isinstance(words, str) else words) for word in text.split(","))


@dataclass(frozen=True)
class RunOptions:
    """How to run; none of it changes a byte of the result.

    `workers`: processes of a local Dask cluster, 0 for this process. `threads`: of this process, None for all cores.
    `scheduler`: address of a running Dask scheduler. `cluster`: TOML file that describes a cluster. `resources`: what one task
    takes of a worker ("GPU=1"). `memory_limit`: of one worker, as Dask writes it ("4GiB"). `part_timeout`: seconds after which a part is
    taken from its worker. `retries`: tries of a part before it counts as failed. `overwrite`: delete what a former run left.
    """

    workers: int = 0
    threads: int | None = None
    scheduler: str | None = None
    cluster: str | None = None
    resources: str | None = None
    memory_limit: str | None = None
    part_timeout: float | None = None
    retries: int = 3
    dashboard: bool = False
    overwrite: bool = False

    def __post_init__(self):
        if self.workers < 0:
            raise InputError(f"--workers {self.workers}: expected 0 or more")
        if self.threads is not None and not 1 <= self.threads <= MAX_THREADS:
            raise InputError(f"--threads {self.threads}: expected 1 to {MAX_THREADS:,}")
        if self.part_timeout is not None and not 0 < self.part_timeout < float("inf"):
            raise InputError(f"--part-timeout {self.part_timeout}: expected seconds, more than 0")
        if self.retries < 1:
            raise InputError(f"retries {self.retries}: expected 1 or more")
        if self.memory_limit is not None and not self.workers:
            raise InputError(
                "--memory-limit is about --workers; a cluster file has its own entry, a scheduler's workers have their own limit"
            )
        if sum(map(bool, (self.workers, self.scheduler, self.cluster))) > 1:
            raise InputError("--workers, --scheduler and --cluster exclude each other; give one")
        if parse_resources(self.resources) and not (self.scheduler or self.cluster):
            raise InputError("--resources is about workers of --scheduler or --cluster; give one of them, or leave it out")

    @property
    def is_distributed(self) -> bool:
        return bool(self.workers or self.scheduler or self.cluster)


def parse_resources(text: str | None) -> dict[str, float] | None:
    """What a task takes of a worker.

    >>> parse_resources("GPU=1")
    {'GPU': 1.0}
    """
    if text is None:
        return None
    try:
        pairs = (item.split("=") for item in text.split(","))
        return {name.strip(): float(amount) for name, amount in pairs}
    except ValueError:
        raise InputError(f"--resources {text}: expected NAME=NUMBER, as in GPU=1") from None
