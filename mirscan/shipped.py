"""The folder of models that come with mirscan, and what lies in it."""

from pathlib import Path

# What makes a folder one of a network, and one of a model of repression.
CARD_FILE, REPRESSION_FILE = "card.toml", "repression.toml"


def models_folder() -> Path:
    """Where the shipped models lie: inside the installed package, or beside it in a source tree."""
    installed = Path(__file__).parent / "models"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "models"


def shipped_names(file: str) -> list[str]:
    """Names, in order, of the shipped models that have this file.

    >>> from mirscan.shipped import CARD_FILE, shipped_names
    >>> shipped_names(CARD_FILE)
    ['affinity', 'base', 'base-pretrained', 'fast']
    """
    return sorted(path.parent.name for path in models_folder().glob(f"*/{file}"))
