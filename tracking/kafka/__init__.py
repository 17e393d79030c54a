"""Kafka as a second door: what counters outside tell comes in, the feed of a store goes out.

An optional extra (requirements-kafka.txt): without it, and without brokers, all else works.
"""
