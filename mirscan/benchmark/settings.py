"""How large a comparison of training methods is."""

from dataclasses import dataclass
from typing import Annotated

from mirscan.settings import Settings, about

_WHAT, _SIZE = "What", "Size"


@dataclass(frozen=True)
class BenchmarkSettings(Settings):
    """Every row is trained with the same network, epochs and pool; what differs is the method."""

    data: Annotated[str, about("Data folder with the published sets (sites/...).", _WHAT)] = ""
    quick: Annotated[bool, about("Every row in seconds, on small planted pairs: shows that it runs, not what is better.", _WHAT)] = False
    only: Annotated[tuple[str, ...], about("Only methods whose name begins so; repeat for more.", _WHAT)] = ()
    scan_task: Annotated[bool, about("Also the scan task: half a minute a row.", _WHAT)] = False

    seeds: Annotated[int, about("Trainings a method, seeds from 1.", _SIZE, ge=1, le=100)] = 3
    positives: Annotated[int, about("Positives of a pool; 0: all there are.", _SIZE, ge=0, le=10**9)] = 0
    pool_ratio: Annotated[int, about("Negatives a positive in the pool.", _SIZE, ge=2, le=1000)] = 80
    train_ratio: Annotated[int, about("Negatives a positive that a training draws of it.", _SIZE, ge=2, le=1000)] = 20
    architecture: Annotated[str, about("Network of every row.", _SIZE)] = "mirscan_base"
    epochs: Annotated[int, about("Passes over 1 positive : train-ratio negatives; others see as many pairs.", _SIZE, ge=1, le=1000)] = 8
    batch_size: Annotated[int, about("Pairs a step.", _SIZE, ge=8, le=1_000_000)] = 1024
    precision: Annotated[str, about("float32 or mixed_bfloat16.", _SIZE)] = "float32"
    threads: Annotated[int, about("CPU threads; 0 is as many as the backend likes.", _SIZE, ge=0, le=1024)] = 0
