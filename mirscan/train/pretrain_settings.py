"""What a pre-training is asked to do; apart from the work, so that a command line knows its options without Numba."""

from dataclasses import dataclass
from typing import Annotated

from mirscan.errors import InputError
from mirscan.settings import Settings, about

_SIZE, _TRAINING = "Encoder", "Training"


@dataclass(frozen=True)
class PretrainSettings(Settings):
    """A nucleotide encoder and how its masked letters are learned."""

    sequences: Annotated[
        tuple[str, ...], about("FASTA of RNA or DNA; windows come from each file equally often.", _TRAINING, positional=True)
    ]
    width: Annotated[int, about("Channels a letter.", _SIZE, ge=8, le=4096)] = 64
    n_layers: Annotated[int, about("Layers.", _SIZE, ge=1, le=100)] = 4
    n_heads: Annotated[int, about("Attention heads; a divisor of the width.", _SIZE, ge=1, le=64)] = 4
    feed_forward: Annotated[int, about("Units of the feed-forward part.", _SIZE, ge=8, le=16_384)] = 256
    longest: Annotated[int, about("nt of a window.", _SIZE, ge=16, le=8192)] = 100
    dropout: Annotated[float, about("Dropout.", _SIZE, ge=0, le=0.9)] = 0.0
    hidden_part: Annotated[float, about("Part of the letters that is hidden (Devlin 2019).", _TRAINING, ge=0.01, le=0.9)] = 0.15
    steps: Annotated[int, about("Steps.", _TRAINING, ge=1, le=10**9)] = 20_000
    batch_size: Annotated[int, about("Windows a step.", _TRAINING, ge=1, le=1_000_000)] = 64
    learning_rate: Annotated[
        float, about("Highest learning rate: rises over 5 % of the steps, falls along a cosine.", _TRAINING, gt=0, le=1)
    ] = 1e-3
    weight_decay: Annotated[float, about("AdamW's.", _TRAINING, ge=0, le=1)] = 0.01
    precision: Annotated[str, about("float32 or mixed_bfloat16.", _TRAINING)] = "float32"
    seed: Annotated[int, about("Seed of everything random.", _TRAINING, ge=0, le=2**32 - 1)] = 1

    def check(self) -> None:
        if not self.sequences:
            raise InputError("no sequences; give FASTA files to learn from")
        if self.width % self.n_heads:
            raise InputError(f"--width {self.width}: not divisible by {self.n_heads} heads")

    def size(self):
        """The EncoderSize of these settings."""
        from mirscan.networks.nucleotide_encoder import EncoderSize

        return EncoderSize(self.width, self.n_layers, self.n_heads, self.feed_forward, self.longest)
