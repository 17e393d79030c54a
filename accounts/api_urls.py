"""API addresses of `accounts`."""

from django.urls import path

from accounts.store_api import AuditView, StoreAuditView, StoresView, StoreView
from accounts.token_api import EndView, ObtainView, RefreshView, VerifyView

urlpatterns = [
    path("auth/token/", ObtainView.as_view(), name="token-obtain"),
    path("auth/token/refresh/", RefreshView.as_view(), name="token-refresh"),
    path("auth/token/end/", EndView.as_view(), name="token-end"),
    path("auth/token/verify/", VerifyView.as_view(), name="token-verify"),
    path("stores/", StoresView.as_view(), name="store-list"),
    path("stores/<uuid:store_id>/", StoreView.as_view(), name="store-detail"),
    path("stores/<uuid:store_id>/audit/", StoreAuditView.as_view(), name="store-audit"),
    path("audit/", AuditView.as_view(), name="audit"),
]
