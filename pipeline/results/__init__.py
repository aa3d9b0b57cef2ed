"""Results on disk: one result folder, trees of them, and pictures of their sounds."""
