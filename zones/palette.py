"""The eight colours of zones, as a set-up file may name them."""

from __future__ import annotations

# Place 1 to 8: how the page draws it in the light and in the dark theme (static/css/tokens.css).
PALETTE = (
    ("#0b6e99", "#45b4e0"),
    ("#c8640a", "#f0964a"),
    ("#2ba783", "#b5e8d4"),
    ("#7d18ad", "#b737ea"),
    ("#656445", "#e6d89b"),
    ("#0a254c", "#4b69a9"),
    ("#f054d8", "#c83a3a"),
    ("#4a2400", "#948a80"),
)


def place_of_colour(said: object) -> int | None:
    """Return the place in the palette that a set-up names by number or by colour.

    None where it names another colour, or none: then a zone takes the place that is used least.
    """
    if isinstance(said, int):
        return said
    for place, colours in enumerate(PALETTE, start=1):
        if str(said).lower() in colours:
            return place
    return None
