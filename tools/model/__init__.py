"""NanoDet for this installation: ``python -m tools.model``, or ``make model``."""
