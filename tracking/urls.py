"""Addresses of the pages of `tracking`."""

from django.urls import path

from tracking import views

app_name = "tracking"
urlpatterns = [
    path("stores/<slug:store_slug>/live/", views.live, name="live"),
    path("stores/<slug:store_slug>/recordings/", views.recordings, name="recordings"),
]
