"""API addresses of `accounts`."""

from django.urls import path

from accounts.api import ObtainView, RefreshView, StoreViews, VerifyView

urlpatterns = [
    path("auth/token/", ObtainView.as_view(), name="token-obtain"),
    path("auth/token/refresh/", RefreshView.as_view(), name="token-refresh"),
    path("auth/token/verify/", VerifyView.as_view(), name="token-verify"),
    path("stores/", StoreViews.as_view({"get": "list"}), name="store-list"),
    path("stores/<uuid:store_id>/", StoreViews.as_view({"get": "retrieve"}), name="store-detail"),
]
