"""The physics of one miRNA and one window: nearest-neighbour duplex energy, alignment, features for networks, and a text picture.

parameters.py  Turner 2004 energies, and the same by neighbouring letters
lanes.py       32 numbers of 16 bits in one register
profiles.py    energies along one miRNA for each target k-mer
kernels.py     the recursion
traceback.py   from energies to pairs
energy.py      public: energies and alignments of arrays of pairs
features.py    public: side inputs of a network
drawing.py     public: the text picture
"""

from mirscan.duplex.drawing import draw_duplex
from mirscan.duplex.energy import align_duplexes, duplex_energies, perfect_energies
from mirscan.duplex.features import DUPLEX_FEATURES, duplex_features

__all__ = ["DUPLEX_FEATURES", "align_duplexes", "draw_duplex", "duplex_energies", "duplex_features", "perfect_energies"]
