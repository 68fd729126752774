"""Scoring: candidates or pairs -> calibrated scores, fast. One interface, `Scorer.score`, with inference engines behind it."""

import importlib

_PUBLIC = {
    "Scorer": "scorer",
    "CascadeScorer": "cascade",
    "load_scorer": "loading",
    "score_candidates": "sites",
    "score_pairs": "sites",
    "strongest_sites": "sites",
    "choose_prefilter_threshold": "thresholds",
    "store_prefilter_threshold": "thresholds",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mirscan.scoring' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mirscan.scoring.{_PUBLIC[name]}"), name)
