"""`make screenshots`: every page in every size and theme, and what is wrong with it."""
