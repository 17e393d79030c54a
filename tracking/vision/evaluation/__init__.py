"""How near the truth the seeing and counting are: readers of labelled data, and scores."""
