"""The pure vision core: frames in, facts out; no web framework below this door."""
