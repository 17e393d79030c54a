"""The log-in form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from accounts.throttle import TOO_MANY, client_address, count_try


class LogInForm(AuthenticationForm):
    """Name or e-mail and password; says the same whether the person or the password is unknown."""

    error_messages = {
        "invalid_login": "That password does not fit this user. %(left)s left.",
        "inactive": "That password does not fit this user.",
    }
    throttled = False
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
            self.throttled = True
            raise ValidationError(TOO_MANY, code="throttled")
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
