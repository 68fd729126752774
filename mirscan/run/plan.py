"""A run written down before it starts: inputs with checksums, settings, versions, and parts cut by bases."""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mirscan.errors import InputError, RunError
from mirscan.genes.repression import read_repression_model
from mirscan.genome.projection import describe_misplaced
from mirscan.notices import Notices, counted
from mirscan.run.inputs import VIENNA, compile_run_table, open_run_sources, read_run_mirnas, store_inputs
from mirscan.run.nothing_found import suspect_inputs
from mirscan.run.sealed import seal, unseal
from mirscan.run.settings import ScanSettings
from mirscan.search.candidates import count_candidates
from mirscan.search.filters import read_regions
from mirscan.sequence.coding import coding_of_regions
from mirscan.sequence.families import families_text
from mirscan.store.checksums import describe_file, find_change
from mirscan.store.local import LocalStore
from mirscan.store.names import FAMILIES, HUB, INPUTS, LOCK, PLAN, RESULTS, SITES, TRANSCRIPTOME, WORK
from mirscan.store.protocol import Store

FORMAT = 3
# Measured on human 3'UTRs with canonical rules and scores: Parquet 7 bytes a site, BED 13, gene tables 31; without scores 31 in all.
BYTES_PER_ROW = 50
# While stretches are joined, they and what they become lie on the disk.
PEAK_SHARE = 2
SHA256_LETTERS = 64


@dataclass(frozen=True)
class Part:
    """Sites that start on transcripts `first` to `last` (half-open), from nt `start` of the first to before nt `stop` of the last.

    `bases` are the nt in between.
    """

    first: int
    last: int
    bases: int
    start: int
    stop: int

    def cut_transcripts(self, lengths: np.ndarray) -> list[int]:
        """Transcripts of which this part holds a piece only."""
        at_start = {self.first} if self.start > 0 else set()
        at_end = {self.last - 1} if self.stop < lengths[self.last - 1] else set()
        return sorted(at_start | at_end)


@dataclass(frozen=True)
class ScanPlan:
    """What is scanned. `identity` holds everything that decides the result; `inputs` says where it was read from; `stored` has bytes and
    SHA-256 of the run's own copies by file name; `notices` counts what reading the inputs lost, merged or renamed. `background`: the parts
    in which transcripts are shuffled, each of whole ones.
    """

    settings: ScanSettings
    identity: dict
    inputs: dict
    stored: dict
    n_mirnas: int
    n_transcripts: int
    n_bases: int
    expected_candidates: int
    warnings: tuple[str, ...]
    notices: dict[str, dict]
    parts: tuple[Part, ...]
    background: tuple[Part, ...] = ()

    def to_json(self) -> bytes:
        """The text of plan.json."""
        return seal({"format": FORMAT, **asdict(self), "settings": self.settings.to_dict()})

    @classmethod
    def from_json(cls, data: bytes, where: str) -> "ScanPlan":
        """Raises RunError where the text is not a plan that this version can read."""
        try:
            values = unseal(data)
            if values.pop("format") != FORMAT:
                raise RunError(f"{where}: written by another version of mirscan; use that version, or start anew with --overwrite")
            values["settings"] = ScanSettings.from_dict(values["settings"], where)
            values["parts"] = tuple(Part(**part) for part in values["parts"])
            values["background"] = tuple(Part(**part) for part in values["background"])
            values["warnings"] = tuple(values["warnings"])
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{where}: damaged plan ({_first_line(error)}); start anew with --overwrite") from None


def load_plan(store: Store) -> ScanPlan | None:
    """The plan of a run folder; None where there is none."""
    return ScanPlan.from_json(store.read(PLAN), f"{store.root}/{PLAN}") if store.exists(PLAN) else None


def make_plan(settings: ScanSettings, identity: dict, inputs: dict, store: Store, needs_room: bool = True) -> ScanPlan:
    """Read the inputs once, put what workers need into the run folder, and write plan.json last.

    Raises InputError for inputs that cannot be scanned or, where it `needs_room`, whose result would not fit on the disk.
    """
    notices = Notices()
    mirnas, families = read_run_mirnas(settings, notices)
    table = compile_run_table(settings, mirnas)
    transcriptome = store_inputs(settings, mirnas, families, store, notices)
    if families:
        store.write(FAMILIES, families_text(families).encode())
    if settings.regions is not None:
        # Read for its errors and notices only: bad regions must be told before the run, not by its parts.
        read_regions(settings.regions, transcriptome, notices)
    hidden = np.flatnonzero((transcriptome.lengths > 0) & (transcriptome.lengths <= settings.mask_start))
    if len(hidden):
        notices.add("transcripts are hidden whole by --mask-start, so no site", transcriptome.names[int(hidden[0])].as_py(), len(hidden))
    model, has_coding = read_repression_model(settings.gene_model), settings.cds is not None or coding_of_regions(transcriptome) is not None
    # Counting is a pass without output, a second per gigabase; random sequence would underestimate real 3'UTRs by half.
    expected = int(count_candidates(transcriptome, table))
    if needs_room and not settings.drops_rows:
        _check_disk(store, expected)
    plan = ScanPlan(
        settings=settings,
        identity=identity,
        inputs=inputs,
        stored={name: describe_file(store.local(name)) for name in store.names() if name.startswith((f"{TRANSCRIPTOME}/", f"{INPUTS}/"))},
        n_mirnas=len(mirnas),
        n_transcripts=len(transcriptome),
        n_bases=transcriptome.n_bases,
        expected_candidates=expected,
        warnings=(
            *map(str, notices),
            *suspect_inputs(transcriptome, mirnas),
            *describe_misplaced(transcriptome),
            *model.describe_unread(has_coding, open_run_sources(settings, identity, store)),
            *(f"{rule}: {_some(names)} too short for it" for rule, names in table.too_short.items()),
        ),
        notices=notices.to_dict(),
        parts=cut_parts(transcriptome.lengths, max(1, round(expected / settings.rows_per_part)), settings.needs_whole_transcripts),
        background=cut_background(settings, transcriptome.lengths, expected),
    )
    store.write(PLAN, plan.to_json())
    return plan


def find_stored_damage(store: Store, plan: ScanPlan) -> str | None:
    """What is wrong with the run's own copies of its inputs; None where they are as planned."""
    return next((change for name, expected in plan.stored.items() if (change := find_change(store, name, expected))), None)


def cut_background(settings: ScanSettings, lengths: np.ndarray, expected: int) -> tuple[Part, ...]:
    """Parts of whole transcripts that have, with all their shuffles, about as many candidates as any other part."""
    if not settings.background:
        return ()
    return cut_parts(lengths, max(1, round(expected * settings.background / settings.rows_per_part)), whole_transcripts=True)


def cut_parts(lengths: np.ndarray, n_parts: int, whole_transcripts: bool = False) -> tuple[Part, ...]:
    """Transcripts of `lengths` (n,) nt in order, cut into about `n_parts` parts of about equal bases.

    Cuts lie between transcripts. Only one that is longer than two shares is itself cut into pieces, so that no part grows with the longest
    sequence (a chromosome, or relaxed rules), unless `whole_transcripts`. Cut by bases, not by miRNAs: rows stay in order without a merge.
    """
    share = max(1.0, lengths.sum() / n_parts)
    n_pieces = (
        np.ones(len(lengths), np.int64) if whole_transcripts else np.where(lengths > 2 * share, np.ceil(lengths / share), 1).astype(int)
    )
    transcript = np.repeat(np.arange(len(lengths)), n_pieces)
    number = np.arange(len(transcript)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
    starts = lengths[transcript] * number // n_pieces[transcript]
    stops = lengths[transcript] * (number + 1) // n_pieces[transcript]
    ends = np.cumsum(stops - starts)
    # A part ends with the piece that reaches its share.
    shares = ends[-1] * (np.arange(n_parts) + 1) / n_parts
    lasts = np.unique(np.minimum(np.searchsorted(ends, shares) + 1, len(ends)))
    lasts[-1] = len(ends)
    firsts = np.concatenate(([0], lasts[:-1]))
    bases = np.diff(np.concatenate(([0], ends[lasts - 1])))
    columns = transcript[firsts], transcript[lasts - 1] + 1, bases, starts[firsts], stops[lasts - 1]
    return tuple(Part(*row) for row in zip(*(column.tolist() for column in columns), strict=True))


def find_differences(planned: dict, asked: dict) -> list[str]:
    """One phrase for every entry of two identities that differs."""
    return [
        f"{_flag(name)} was {_shown(planned.get(name))}, now {_shown(asked.get(name))}"
        for name in dict.fromkeys((*planned, *asked))
        if planned.get(name) != asked.get(name)
    ]


def refuse_foreign_folder(store: Store) -> None:
    """Raise RunError where the folder holds something that no run of mirscan wrote."""
    if isinstance(store, LocalStore) and Path(store.root).exists() and not Path(store.root).is_dir():
        raise RunError(f"{store.root}: is a file; expected a folder. Choose another --out.")
    if store.exists(PLAN):
        return
    foreign = [name for name in store.names() if not name.startswith((f"{WORK}/", LOCK))]
    if foreign:
        raise RunError(f"{store.root}: holds {foreign[0]} and no {PLAN}, so it is not a run of mirscan. Choose another --out.")


def clear_run(store: Store) -> None:
    """Delete everything a run wrote, and nothing else; killed at any moment it leaves a run or nothing, never a riddle."""
    ours = [
        name
        for name in store.names()
        if name in RESULTS or name.startswith((f"{SITES}/part-", f"{WORK}/part-", f"{WORK}/background-", f"{HUB}/"))
    ]
    rest = [PLAN, *(name for name in store.names() if name.startswith(f"{WORK}/"))]
    for name in (*ours, *rest):
        store.remove(name)


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0]


def _check_disk(store: Store, expected: int) -> None:
    if not isinstance(store, LocalStore):
        return
    free, needed = shutil.disk_usage(store.root).free, expected * BYTES_PER_ROW * PEAK_SHARE
    if needed > free:
        raise InputError(
            f"{counted(expected, 'candidate')}, about {needed / 1e6:,.0f} MB of results while they are joined; "
            f"{store.root} has {free / 1e6:,.0f} MB free. "
            "Use fewer miRNAs (--species), stricter --seeds, --regions or --min-score."
        )


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{counted(len(names), 'miRNA')} ({', '.join(names[:3])}{more})"


def _flag(name: str) -> str:
    return f"{name}'s version" if name in ("mirscan", VIENNA) else f"--{name.replace('_', '-')}"


def _shown(value) -> str:
    if value is None:
        return "not given"
    words = value if isinstance(value, list) else [value]
    # Checksums are shown by their first letters, as everywhere.
    return ", ".join(f"a file of SHA-256 {word[:12]}" if len(str(word)) == SHA256_LETTERS else str(word) for word in words) or "none"
