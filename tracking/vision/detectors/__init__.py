"""People detectors behind one protocol; `registry` makes them by name."""
