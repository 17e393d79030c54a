"""Measures the product: its accuracy where the truth is known, its speed and its memory.

`python -m tools.bench` prints one table and writes `var/bench.json`; `make bench` calls it.
"""
