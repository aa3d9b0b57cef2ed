"""The vision backends, and CLIP."""
