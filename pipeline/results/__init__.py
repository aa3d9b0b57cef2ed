"""Results on disk: one result folder, trees of result folders, and spectrograms of their sounds."""
