"""How open the target of a miRNA lies: the chance that a stretch of its transcript pairs with nothing else of it."""

from mirscan.accessibility.sites import site_accessibility

__all__ = ["site_accessibility"]
