"""The architectures by name. Reading this list loads no network code and no Keras."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from mirscan.errors import ModelError


@dataclass(frozen=True)
class Architecture:
    """`function` is "module:name" below mirscan.networks; `description` one line; `publication` where the design comes from."""

    function: str
    description: str
    publication: str

    def load(self) -> Callable:
        """The function that turns NetworkInputs and settings into the symbolic probability."""
        module, name = self.function.split(":")
        return getattr(importlib.import_module(f"mirscan.networks.{module}"), name)


_FARRUGIA = "Farrugia 2025, University of Malta (github.com/DavidF-22/ICS3909-FYP)"
_MIRBIND = "Klimentová et al. 2022, doi:10.3390/genes13122323"
_MIRBIND_2 = "miRBind 2, BioGeMT 2026 (github.com/BioGeMT/miRBind_2.0)"
_ITERATIVE = "iterative training, CEITEC 2020 (github.com/ML-Bioinfo-CEITEC/mirna_binding)"
_COLBERT = "after ColBERT, Khattab & Zaharia 2020, doi:10.1145/3397271.3401075"
_HARD_SAMPLES = "hardness-based label smoothing (github.com/Janowie/dl_for_mirna_mediated_targeting)"
_TARGETFM = "DeepTarget / TargetFM line; encoder as RNA-FM, Chen et al. 2022, arXiv:2204.00300"
_AFFINITY = "after McGeary, Lin et al. 2019, doi:10.1126/science.aav1741"
_TARGETNET = "TargetNet, Min et al. 2022, doi:10.1093/bioinformatics/btab733"

# name -> module:function, what it is, where it comes from
_ROWS = {
    "mirscan_base": ("mirscan_cnn:mirscan_base", "pair-convolution stem, two 3x3 convolutions, dense head", "mirscan"),
    "mirscan_fast": ("mirscan_cnn:mirscan_fast", "the same plan, narrower, for a fifth of the cost", "mirscan"),
    "resnet_small": ("resnet:resnet_small", "2-D ResNet on the Watson-Crick grid, 2 blocks, averaged", _FARRUGIA),
    "resnet_medium": ("resnet:resnet_medium", "2-D ResNet on the Watson-Crick grid, 3 blocks, averaged", _FARRUGIA),
    "resnet_large": ("resnet:resnet_large", "2-D ResNet on the Watson-Crick grid, 3 blocks, flattened", _FARRUGIA),
    "mirbind_cnn": ("mirbind_cnn:mirbind_cnn", "six 5x5 convolutions on the Watson-Crick grid", _MIRBIND),
    "three_block_cnn": ("three_block_cnn:three_block_cnn", "three 3x3 convolutions on the Watson-Crick grid", _ITERATIVE),
    "pairwise_cnn": ("pairwise_cnn:pairwise_cnn", "three convolutions on learned pair embeddings", _MIRBIND_2),
    "inception": ("inception:inception", "Inception modules on Watson-Crick and G:U grids", "modules: Szegedy et al. 2015"),
    "bilstm_attention": ("recurrent:bilstm_attention", "two BiLSTM layers with attention along the miRNA", _FARRUGIA),
    "gru": ("recurrent:gru", "three GRU layers with attention along the miRNA", _FARRUGIA),
    "targetnet": ("targetnet:targetnet", "1-D ResNet on seed-aligned strands", _TARGETNET),
    "late_interaction": ("late_interaction:late_interaction", "strands read apart, largest similarities joined", _COLBERT),
    "transformer": ("transformer:transformer", "transformer encoder with fc, cnn or bilstm head", "encoder: Devlin et al. 2019"),
    "encoded_sites": ("pretrained_sites:encoded_sites", "pre-trained nucleotide encoder with fc, cnn or bilstm head", _TARGETFM),
    "deep_target": ("pretrained_sites:deep_target", "one-hot strands, embedding and 1-D convolutions", _TARGETFM),
    "resnet_deep": ("resnet:resnet_deep", "2-D ResNet on the Watson-Crick grid, 14 narrow blocks", _HARD_SAMPLES),
    "affinity_cnn": ("affinity_cnn:affinity_cnn", "two convolutions over pairs of a seed with a 12-mer, for affinities", _AFFINITY),
}
ARCHITECTURES: dict[str, Architecture] = {name: Architecture(*row) for name, row in _ROWS.items()}


def find_architecture(name: str) -> Architecture:
    """The architecture of that name; ModelError with the known names otherwise."""
    if name not in ARCHITECTURES:
        raise ModelError(f"unknown architecture {name!r}; known: {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
