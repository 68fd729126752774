"""`mirscan pretrain`: a nucleotide encoder by masked letters."""

from pathlib import Path
from typing import Annotated

import typer

from mirscan.cli.options import with_settings
from mirscan.cli.signals import stoppable
from mirscan.train.pretrain_settings import PretrainSettings


@with_settings(flags=PretrainSettings)
def pretrain(
    flags,
    out: Annotated[Path, typer.Option("--out", help="Folder of the encoder.")] = Path("encoder"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last state in --out after a kill.")] = False,
) -> None:
    """Pre-train a nucleotide encoder on sequences; use it with mirscan train --encoder."""
    from mirscan.train.pretraining import pretrain as run

    metrics = run(PretrainSettings(**flags), out, resume=resume, say=stoppable(lambda line: print(line, flush=True)))
    told, frequent = metrics["accuracy"], metrics["most_frequent"]
    print(f"{out}: {told:.4f} of hidden letters told rightly; the most frequent letter alone: {frequent:.4f}")
    print(f"train with it: mirscan train PAIRS --encoder {out} --architecture encoded_sites --layer-rate encoder=0 ...")
