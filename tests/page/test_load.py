"""Many visitors at once, in the quick form of tests/benchmarks/load.py."""

import asyncio

from ..benchmarks import load

CLIENTS = 12


def test_all_of_many_visitors_are_served_and_in_their_order(address):
    served = asyncio.run(load.crowd(address, CLIENTS, duration_s=2))
    assert [each.error for each in served] == [""] * CLIENTS
    begun = sorted(served, key=lambda each: each.begun)
    overtaken = max(abs(begun.index(each) - place) for place, each in enumerate(sorted(served, key=lambda e: e.asked)))
    assert overtaken <= CLIENTS // 2, "requests of one moment may arrive in another order, but nobody waits to the end"
    assert load.fairness(served) < 10, "no equal job is starved; the benchmark has the strict limit of 3"
