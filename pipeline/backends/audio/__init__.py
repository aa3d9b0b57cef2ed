"""The audio backends, and CLAP."""
