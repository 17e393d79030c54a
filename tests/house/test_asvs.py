"""The page on ASVS names every requirement of level 1 once, with what shows it or why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.test import Client
from django.urls import get_resolver

from accounts import throttle
from accounts.models import ApiLogin
from oskartrack.access import url_patterns
from tests.accounts.tokens import pair_for
from tests.cast import PASSWORD, make_user

ROOT = Path(__file__).resolve().parent.parent.parent
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs/asvs.md").read_text())
SECURITY = " ".join((ROOT / "SECURITY.md").read_text().split())
# The requirements of level 1 of version 5.0.0: chapter and section, then their numbers.
LEVEL_1 = {
    "1.2": (1, 2, 3, 4, 5), "1.3": (1, 2), "1.5": (1,),
    "2.1": (1,), "2.2": (1, 2), "2.3": (1,),
    "3.2": (1, 2), "3.3": (1,), "3.4": (1, 2), "3.5": (1, 2, 3),
    "4.1": (1,), "4.4": (1,),
    "5.2": (1, 2), "5.3": (1, 2),
    "6.1": (1,), "6.2": (1, 2, 3, 4, 5, 6, 7, 8), "6.3": (1, 2), "6.4": (1, 2),
    "7.2": (1, 2, 3, 4), "7.4": (1, 2),
    "8.1": (1,), "8.2": (1, 2), "8.3": (1,),
    "9.1": (1, 2, 3), "9.2": (1,),
    "10.4": (1, 2, 3, 4, 5),
    "11.3": (1, 2), "11.4": (1,),
    "12.1": (1,), "12.2": (1, 2),
    "13.4": (1,), "14.2": (1,), "14.3": (1,), "15.1": (1,), "15.2": (1,), "15.3": (1,),
}  # fmt: skip


def test_the_page_has_every_requirement_of_level_1_once_and_in_order():
    wanted = [f"{part}.{number}" for part, numbers in LEVEL_1.items() for number in numbers]
    assert len(wanted) == 70
    assert [item for item, _, _ in ROWS] == wanted


def test_each_names_a_test_or_says_why_it_does_not_apply():
    for item, words, shown in ROWS:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", shown)
        assert named or words.startswith("Does not apply: "), item
        assert len(words) > 30 or named, item
        for file, test in named:
            text = (ROOT / file).read_text()
            assert not test or f"def {test}(" in text, (item, test)


def test_a_requirement_without_a_test_or_a_reason_would_be_found():
    (row,) = ROW.findall("| 9.9.9 | It is just so, believe us | nothing |")
    assert row == ("9.9.9", "It is just so, believe us", "nothing")
    assert not re.findall(r"`(tests/[\w/]+\.py)", row[2])


def test_the_limits_that_are_written_down_are_those_of_the_code():
    assert throttle.WINDOW_S == 60
    assert f"{throttle.TRIES} tries a minute" in SECURITY
    assert "person and network address" in SECURITY
    minutes = throttle.CROWD_WINDOW_S // 60
    assert f"{throttle.CROWD} wrong tries in {minutes} minutes for one address" in SECURITY
    # By the rule of one address its neighbours' tries do shut a door.
    assert "Tries from another address shut nobody's door" in SECURITY
    assert "shut nobody's door" in next(words for item, words, _ in ROWS if item == "6.1.1")


def test_what_browsers_keep_is_said_as_it_is_sent(client, db):
    (words,) = (words for item, words, _ in ROWS if item == "14.3.1")
    client.force_login(make_user("alice"))
    for answer in (client.get("/api/v1/overview/"), client.get("/account/")):
        assert answer.status_code == 200
        assert f"`{answer['Cache-Control']}`" in words, answer


def test_what_whoever_runs_it_has_to_do_is_written_down():
    for words in ("TLS 1.2 or 1.3", "certificate that browsers trust", "within 2 days",
                  "within 7 days", "within 30 days"):  # fmt: skip
        assert words in SECURITY, words


def test_the_most_common_passwords_are_known():
    known = CommonPasswordValidator().passwords
    assert len([word for word in known if len(word) >= 8]) >= 3000
    names = [each["NAME"].rsplit(".", 1)[-1] for each in settings.AUTH_PASSWORD_VALIDATORS]
    assert {"MinimumLengthValidator", "CommonPasswordValidator"} <= set(names)


def test_there_is_no_other_way_in_than_the_password():
    assert settings.AUTHENTICATION_BACKENDS == ["accounts.backends.NameOrEmailBackend"]
    words = re.compile(r"reset|recover|forgot|magic|hint|question|sign-?up|register")
    assert get_resolver().url_patterns
    assert not [pattern for pattern, _ in url_patterns() if words.search(pattern)]


@pytest.mark.db
def test_keys_of_log_ins_are_long_and_never_the_same():
    user = make_user()
    keys = set()
    for _ in range(20):
        client = Client()
        client.force_login(user)
        keys.add(client.cookies[settings.SESSION_COOKIE_NAME].value)
        pair_for(user, "read")
    ids = set(ApiLogin.objects.values_list("refresh_id", flat=True))
    assert (len(keys), len(ids)) == (20, 20)
    # 36 ** 32 is more than 2 ** 165; 32 hexadecimal digits are 128 bits.
    assert {len(key) for key in keys} == {32}
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)


@pytest.mark.db
def test_a_log_in_takes_over_no_session_that_was_there():
    user, client = make_user(), Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted = "k" * 32
    client.post("/login/", {"username": user.username, "password": PASSWORD})
    first = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert first != planted
    client.post("/logout/")
    client.post("/login/", {"username": user.username, "password": PASSWORD})
    assert client.cookies[settings.SESSION_COOKIE_NAME].value not in {first, planted, ""}
