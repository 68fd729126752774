"""Networks: one encoding of miRNA and target window, and every architecture by name.

Keras is loaded by the first network, not by this import.
"""

import importlib

_PUBLIC = {
    "ARCHITECTURES": "registry",
    "Architecture": "registry",
    "find_architecture": "registry",
    "build_network": "build",
    "architecture_settings": "build",
    "list_architectures": "build",
    "count_mflop": "cost",
    "count_parameters": "cost",
    "mean_network": "mean",
    "members_of": "mean",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mirscan.networks' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mirscan.networks.{_PUBLIC[name]}"), name)
