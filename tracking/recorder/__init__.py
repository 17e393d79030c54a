"""Following live cameras: from a stream to segments, each a chunk of an open-ended recording."""
