"""The one scope function: every row a person may see starts from ``for_user``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

RowT_co = TypeVar("RowT_co", bound=models.Model, covariant=True)


class ScopedQuerySet(models.QuerySet[RowT_co, RowT_co]):
    """A queryset that can narrow itself to the stores of one person.

    ``store_path`` is the lookup from the model to its store's primary key.
    """

    store_path = "store_id"

    def for_user(self, user: User | AnonymousUser) -> Self:
        """Return the rows of the stores that `user` belongs to; a superuser sees all."""
        from accounts.models import Membership

        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        stores: Any = Membership.objects.filter(user_id=user.pk).values("store_id")
        return self.filter(**{f"{self.store_path}__in": stores})


def scoped(store_path: str) -> type[ScopedQuerySet[Any]]:
    """Return a queryset class whose rows reach their store by `store_path`."""
    return type("ScopedQuerySet", (ScopedQuerySet,), {"store_path": store_path})
