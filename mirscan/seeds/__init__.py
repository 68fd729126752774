"""What counts as a seed match: rules as data (`rules`), the target words they accept (`words`), one lookup table for all of it (`table`)."""
