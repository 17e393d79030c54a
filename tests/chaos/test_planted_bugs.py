"""With a defence taken away the checks find it: they could fail."""

from __future__ import annotations

import pytest

from tests.chaos import SEED
from tools.chaos import breaking

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(1800)]
# Attack, the defence against it, and what the check says without that.
ATTACKS = {
    "random kills": ("no transaction", ("facts lost", "sums differ")),
    "zombie": ("no fence", ("the zombie saved",)),
    "slow detector": ("never renewed", ("were detected", "it ended")),
    "replay": ("no key", ("facts lost", "sums differ")),
}


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    """Attack with every defence in place, and without the one that wards that attack off."""
    wanted = [(attack, without, SEED) for attack, (bug, _) in ATTACKS.items()
              for without in ("", bug)]  # fmt: skip
    return breaking.sweep(lambda _: None, [], wanted).wrong


@pytest.mark.parametrize("attack", ATTACKS)
def test_with_its_defence_an_attack_changes_nothing(attack, found):
    assert found[f"{attack}//{SEED}"] == ""


@pytest.mark.parametrize("attack", ATTACKS)
def test_without_its_defence_an_attack_is_seen(attack, found):
    bug, words = ATTACKS[attack]
    said = found[f"{attack}/{bug}/{SEED}"]
    assert any(word in said for word in words), said
