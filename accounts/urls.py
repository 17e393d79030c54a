"""Pages of `accounts`."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts.views import LogInView, account

urlpatterns = [
    path("login/", LogInView.as_view(), name="login"),
    path("account/", account, name="account"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
