"""Where a run lives: one protocol, a local folder or an object store, and the names of its files."""
