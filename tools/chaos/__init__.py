"""Break a running installation in every way we can think of, and compare what it counted."""
