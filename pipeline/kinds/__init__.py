"""What kinds of sounds there are: which words mean them, and how loud and how far they usually are.

catalogue   the kinds, one table each in catalogue/*.toml, and the kind that a source means
attributes  the material, the action and the timbre that a source's words mean, from attributes.toml
stemming    words without their endings, from stemming.toml
"""
