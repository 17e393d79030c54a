"""A person's own account: another password, programs logged in in their name, out everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user
from django.test import Client

from accounts.models import ApiLogin, AuditEntry, User
from accounts.tokens import login_start, open_logins
from tests.accounts.tokens import pair_for, renew, with_token
from tests.cast import PASSWORD

pytestmark = pytest.mark.db
ACCOUNT = "/account/"
NEW = "another good phrase"


@pytest.fixture
def alice(cast) -> Client:
    client = Client()
    client.force_login(cast.alice)
    return client


def change(client: Client, old: str = PASSWORD, new: str = NEW, again: str | None = None) -> Any:
    told = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post(ACCOUNT, {"form": "password", **told})


def end(client: Client, login: Any) -> Any:
    return client.post(ACCOUNT, {"form": "end", "login": str(login)}, follow=True)


def page(client: Client) -> str:
    return " ".join(client.get(ACCOUNT).content.decode().split())


def test_whoever_is_not_logged_in_is_sent_to_log_in(client, db):
    for answer in (client.get(ACCOUNT), client.post(ACCOUNT, {"form": "everywhere"})):
        assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/account/")
    assert client.put(ACCOUNT).status_code in {302, 405}


# --- The password ---------------------------------------------------------------------------------


def test_a_new_password_ends_every_other_log_in_and_keeps_this_one(alice, cast):
    elsewhere, tokens = Client(), pair_for(cast.alice)
    elsewhere.force_login(cast.alice)
    answer = change(alice)
    assert (answer.status_code, answer["Location"]) == (302, "/account/?done=password")
    assert "The password is changed" in alice.get(answer["Location"]).content.decode()
    assert get_user(alice) == cast.alice
    assert not get_user(elsewhere).is_authenticated
    assert with_token(Client(), tokens.access).status_code == 401
    assert renew(Client(), tokens.refresh).status_code == 401
    assert User.objects.get(pk=cast.alice.pk).check_password(NEW)
    assert AuditEntry.objects.get(action="user.password_changed").actor == cast.alice


def test_the_session_gets_another_key_with_the_password(alice, cast):
    before = alice.cookies["sessionid"].value
    change(alice)
    assert alice.cookies["sessionid"].value != before


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("wrong", NEW, NEW, "Your old password was entered incorrectly"),
        ("", NEW, NEW, "This field is required"),
        (PASSWORD, NEW, "something else", "The two password fields"),
        (PASSWORD, "short", "short", "at least 8"),
        (PASSWORD, "password1", "password1", "too common"),
        (PASSWORD, "alice@shop.exampl", "alice@shop.exampl", "too similar"),
    ],
)
def test_a_password_that_will_not_do_is_told_in_words_and_changes_nothing(
    alice, cast, old, new, again, said
):
    answer = change(alice, old, new, again)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert User.objects.get(pk=cast.alice.pk).check_password(PASSWORD)


@pytest.mark.parametrize(
    "new", ["only small letters", "1234567890 7", "ÄÖÜ ✓ 文字 passt", "x y " * 40]
)
def test_a_password_may_be_made_of_anything(alice, cast, new):
    assert change(alice, new=new).status_code == 302
    user = User.objects.get(pk=cast.alice.pk)
    assert user.check_password(new)
    for other in (new.upper(), new.strip()[:-1], f" {new}"):
        assert other == new or not user.check_password(other)


def test_the_old_password_cannot_be_tried_more_often_than_at_the_log_in(alice, client, cast):
    for _ in range(5):
        assert change(alice, "wrong").status_code == 400
    refused = change(alice)
    assert (refused.status_code, "Too many tries" in refused.content.decode()) == (429, True)
    assert refused["Retry-After"] == "60"
    assert not alice.get("/account/").has_header("Retry-After")
    assert client.post("/login/", {"username": "alice", "password": PASSWORD}).status_code == 429


def test_the_fields_hide_what_is_typed_and_take_what_a_manager_of_passwords_fills_in(alice):
    text = page(alice)
    assert text.count('type="password"') == 3
    assert text.count('autocomplete="new-password"') == 2
    assert 'autocomplete="current-password"' in text
    assert "onpaste" not in text
    assert "maxlength" not in text


# --- Programs -------------------------------------------------------------------------------------


def test_a_person_sees_their_programs_and_nobody_elses(alice, cast):
    assert "No program is logged in in your name." in page(alice)
    login_start(user=cast.alice, scopes=["ingest"], client_name="till at the door")
    login_start(user=cast.bob, scopes=["read"], client_name="of bob")
    text = page(alice)
    assert "till at the door" in text
    assert "It may send in counts, sales and recordings." in text
    assert "of bob" not in text
    for secret in ApiLogin.objects.values_list("refresh_id", "mark"):
        assert not any(word in text for word in secret)


def test_a_person_ends_one_of_their_programs(alice, cast):
    one, other = pair_for(cast.alice), pair_for(cast.alice)
    login = ApiLogin.objects.earliest("pk")
    assert "has ended" in end(alice, login.public_id).content.decode()
    assert with_token(Client(), one.access).status_code == 401
    assert with_token(Client(), other.access).status_code == 200
    entry = AuditEntry.objects.get(action="token.ended")
    assert (entry.actor, entry.detail["why"]) == (cast.alice, "person")


def test_nobody_ends_somebody_elses_program_or_learns_that_it_is_there(alice, cast):
    tokens = pair_for(cast.bob, "read")
    theirs = ApiLogin.objects.get(user=cast.bob).public_id
    answers = {end(alice, login).content for login in (theirs, "nobody's", "", "1")}
    assert len({" ".join(answer.decode().split("csrf")[0].split()) for answer in answers}) == 1
    assert with_token(Client(), tokens.access).status_code == 200


# --- Everywhere -----------------------------------------------------------------------------------


def test_out_everywhere_ends_every_session_and_token_of_one_person(alice, cast):
    elsewhere, tokens, bobs = Client(), pair_for(cast.alice), pair_for(cast.bob, "read")
    elsewhere.force_login(cast.alice)
    answer = alice.post(ACCOUNT, {"form": "everywhere"})
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert not get_user(alice).is_authenticated
    assert not get_user(elsewhere).is_authenticated
    assert with_token(Client(), tokens.access).status_code == 401
    assert renew(Client(), tokens.refresh).status_code == 401
    assert with_token(Client(), bobs.access).status_code == 200
    cast.alice.refresh_from_db()
    assert open_logins(cast.alice) == []
    assert AuditEntry.objects.filter(action="user.logged_out_everywhere").count() == 1
    # The password is the same, and what it opens afterwards stays open.
    assert alice.post("/login/", {"username": "alice", "password": PASSWORD}).status_code == 302
    assert alice.get(ACCOUNT).status_code == 200
    assert with_token(Client(), pair_for(cast.alice).access).status_code == 200


@pytest.mark.once
def test_without_the_moment_in_the_hash_a_log_in_elsewhere_would_live_on(alice, cast, monkeypatch):
    from django.contrib.auth.models import AbstractUser

    stock = AbstractUser._get_session_auth_hash
    monkeypatch.setattr(User, "_get_session_auth_hash", stock)
    with pytest.raises(AssertionError):
        test_out_everywhere_ends_every_session_and_token_of_one_person(alice, cast)
