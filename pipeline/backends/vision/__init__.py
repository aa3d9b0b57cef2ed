"""The models that see."""
