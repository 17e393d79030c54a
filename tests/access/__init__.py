"""Who sees and does what, gone through door by door: see ``oskartrack/access.py``."""
