"""Every error of the API has the same shape."""

from __future__ import annotations

import pytest
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.http import Http404, UnreadablePostError
from django.test import Client
from rest_framework import exceptions, serializers
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from oskartrack.exception_handler import BROKEN, NOT_FOUND

KEYS = {"type", "title", "status", "detail", "code", "errors", "request_id"}


class ThirdPartyError(Exception):
    """Something no handler knows."""


def answer_to(error: Exception):
    class Failing(APIView):
        authentication_classes = ()
        permission_classes = ()

        def get(self, request):
            raise error

    request = APIRequestFactory().get("/api/v1/failing/")
    setattr(request, "request_id", "abc12345")  # noqa: B010 - the middleware's attribute
    response = Failing.as_view()(request)
    response.render()
    return response


@pytest.mark.parametrize(
    ("error", "status", "code", "detail"),
    [
        (Http404("No Store matches the given query."), 404, "not_found", NOT_FOUND),
        (exceptions.NotFound("Recording 7"), 404, "not_found", NOT_FOUND),
        (PermissionDenied(), 403, "permission_denied", None),
        (exceptions.NotAuthenticated(), 403, "not_authenticated", None),
        (
            exceptions.MethodNotAllowed("PUT"),
            405,
            "method_not_allowed",
            'Method "PUT" not allowed.',
        ),
        (exceptions.Throttled(wait=7), 429, "throttled", None),
        (exceptions.ParseError("No JSON."), 400, "parse_error", "No JSON."),
        (RequestDataTooBig("secret"), 413, "too_big", None),
        (SuspiciousOperation("secret"), 400, "parse_error", "The request could not be read."),
        (UnreadablePostError("secret"), 400, "parse_error", "The request could not be read."),
        (ThirdPartyError("secret"), 500, "error", BROKEN),
        (ZeroDivisionError("secret"), 500, "error", BROKEN),
    ],
)
def test_every_error_has_the_one_shape(error, status, code, detail):
    response = answer_to(error)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert set(response.data) == KEYS
    assert (response.data["status"], response.data["code"]) == (status, code)
    assert response.data["errors"] == {}
    assert response.data["request_id"] == "abc12345"
    assert response.data["detail"]
    if detail:
        assert response.data["detail"] == detail
    assert b"secret" not in response.content


def test_a_throttled_answer_says_when_to_come_back():
    assert answer_to(exceptions.Throttled(wait=7))["Retry-After"] == "7"


def test_a_models_validation_error_is_400_with_its_fields():
    error = ValidationError({"name": ["Too long.", "Too odd."], "__all__": ["Both wrong."]})
    body = answer_to(error).data
    assert body["status"] == 400
    assert body["code"] == "invalid"
    assert body["detail"] == "Too long."
    assert body["errors"] == {
        "name": ["Too long.", "Too odd."],
        "non_field_errors": ["Both wrong."],
    }


def test_a_plain_validation_error_is_400_with_its_sentence():
    body = answer_to(ValidationError("Zone 'till' needs at least 3 vertices, got 2.")).data
    assert body["detail"] == "Zone 'till' needs at least 3 vertices, got 2."
    assert body["errors"] == {"non_field_errors": [body["detail"]]}


def test_nested_fields_are_named_by_their_path():
    error = serializers.ValidationError(
        {"lines": [{}, {"a": ["Not a point."]}], "name": ["Needed."], "tags": ["One.", "Two."]}
    )
    assert answer_to(error).data["errors"] == {
        "lines.1.a": ["Not a point."],
        "name": ["Needed."],
        "tags": ["One.", "Two."],
    }


def test_an_unknown_address_a_wrong_method_and_a_missing_token_have_it_too(client, cast):
    for path, method, status in [
        ("/api/v1/nothing/here/", "get", 404),
        ("/api/v1/auth/token/", "get", 405),
        ("/api/v1/stores/", "get", 401),
    ]:
        response = getattr(client, method)(path)
        assert response.status_code == status, path
        assert response["Content-Type"] == "application/problem+json"
        assert set(response.json()) == KEYS
        assert response.json()["request_id"] == response["X-Request-Id"]
    assert client.get("/api/v1/stores/")["WWW-Authenticate"].startswith("Bearer")


def test_a_missing_csrf_token_has_it_too(cast):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.alice)
    response = strict.post("/api/v1/stores/", {}, content_type="application/json")
    assert response.status_code == 403
    assert set(response.json()) == KEYS


def for_people(response, status, title):
    """Check that an answer is a page in our dress, with a way back and within the policy."""
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    text = response.content.decode()
    assert f"<h1>{title}</h1>" in text
    assert 'href="/"' in text
    assert "css/error.css" in text
    assert "<style" not in text
    return text


@pytest.mark.parametrize("who", ["stranger", "member"])
def test_an_unknown_page_stays_a_page(client, cast, who):
    if who == "member":
        client.force_login(cast.bob)
    for address in ("/nothing/here/", "/stores/not-mine/live/")[: 1 + (who == "member")]:
        response = client.get(address)
        text = for_people(response, 404, "There is no such page")
        assert response["X-Request-Id"] in text
        assert "script-src 'self'" in response["Content-Security-Policy"]


def test_a_form_without_its_token_is_answered_in_words(cast):
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/login/", {"username": "alice", "password": "x"})
    for_people(answer, 403, "This page was open for too long")


def test_a_host_that_is_not_ours_is_answered_in_words(client, db):
    for_people(client.get("/login/", HTTP_HOST="evil.example"), 400, "That did not arrive whole")


def test_a_page_that_breaks_is_answered_in_words_and_without_the_reason(cast, monkeypatch):
    def broken(*_args, **_more):
        raise ThirdPartyError("secret")

    monkeypatch.setattr("tracking.views.page_context", broken)
    gentle = Client(raise_request_exception=False)
    gentle.force_login(cast.alice)
    answer = gentle.get(f"/stores/{cast.store.slug}/live/")
    assert "secret" not in for_people(answer, 500, "Something broke on our side")


def test_broken_json_and_a_wrong_type_have_it_too(client, db):
    broken = client.post("/api/v1/auth/token/", "{", content_type="application/json")
    assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")
    typed = client.post("/api/v1/auth/token/", "a=1", content_type="text/plain")
    assert (typed.status_code, typed.json()["code"]) == (415, "unsupported_media_type")


def test_a_fault_below_the_api_that_reaches_django_keeps_the_shape(rf):
    from oskartrack.exception_handler import bad_request, forbidden, server_error

    request = rf.get("/api/v1/x/")
    for response, status in [
        (server_error(request), 500),
        (bad_request(request, SuspiciousOperation("secret")), 400),
        (forbidden(request, PermissionDenied("secret")), 403),
    ]:
        assert response.status_code == status
        assert response["Content-Type"] == "application/problem+json"
        assert b"secret" not in getattr(response, "content", b"secret")


def test_error_pages_stand_without_a_database(rf):
    from oskartrack.exception_handler import bad_request, forbidden, not_found, server_error

    request = rf.get("/page/")
    for_people(server_error(request), 500, "Something broke on our side")
    for_people(not_found(request, Http404()), 404, "There is no such page")
    for_people(forbidden(request, PermissionDenied("x")), 403, "You may not see this page")
    for_people(bad_request(request, SuspiciousOperation("x")), 400, "That did not arrive whole")
