"""The large models on a GPU, with random weights of full size: python -m tests.benchmarks.gpu"""
