"""The forms of logging in and of a new password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.throttle import client_address, count_try


class LogInForm(AuthenticationForm):
    """Name or e-mail and password; says the same whether the person or the password is unknown."""

    error_messages = {
        "invalid_login": "That password does not fit this user. %(left)s left.",
        "inactive": "That password does not fit this user.",
    }
    throttled = False
    wait_s = 0
    _tries_left = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail or user name"
        self.fields["password"].widget = forms.PasswordInput(
            attrs={"autocomplete": "current-password"}
        )
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"

    def clean(self) -> dict[str, Any]:
        """Count the try, then check the password."""
        login = self.cleaned_data.get("username")
        if not login or not self.cleaned_data.get("password"):
            return self.cleaned_data
        address = client_address(self.request) if self.request else ""
        tries = count_try(login=login, address=address)
        if tries.refused:
            self.throttled, self.wait_s = True, tries.wait_s
            raise ValidationError(tries.words, code="throttled")
        self._tries_left = tries.left
        cleaned = super().clean()
        tries.forget()
        return cleaned

    def get_invalid_login_error(self) -> ValidationError:
        """Return the one sentence for every wrong pair."""
        left = f"{self._tries_left} {'try' if self._tries_left == 1 else 'tries'}"
        return ValidationError(
            self.error_messages["invalid_login"], code="invalid_login", params={"left": left}
        )


class PasswordForm(PasswordChangeForm):
    """The old password and, twice, the new one; tries count as those of logging in do."""

    def __init__(self, user: User, address: str, data: Any = None) -> None:
        super().__init__(user, data)
        self.address, self.throttled, self.wait_s = address, False, 0
        for name, label in (
            ("old_password", "Your password now"),
            ("new_password1", "The new one"),
            ("new_password2", "The new one again"),
        ):
            self.fields[name].label = label
            self.fields[name].widget.attrs["class"] = "form-control"
            self.fields[name].widget.attrs.pop("autofocus", None)

    def clean_old_password(self) -> str:
        """Count the try, then check the password."""
        tries = count_try(login=self.user.get_username(), address=self.address)
        if tries.refused:
            self.throttled, self.wait_s = True, tries.wait_s
            raise ValidationError(tries.words, code="throttled")
        told = str(super().clean_old_password())
        tries.forget()
        return told

    @property
    def sentences(self) -> list[str]:
        """What is wrong."""
        return [str(each) for told in self.errors.values() for each in told]
