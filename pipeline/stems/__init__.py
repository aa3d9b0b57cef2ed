"""Stems apart from the models that make them: where they are kept, and when their events begin."""
