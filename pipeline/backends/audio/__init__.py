"""The models that sound."""
