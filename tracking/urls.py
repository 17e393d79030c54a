"""Addresses of the pages of `tracking`."""

from django.urls import include, path

from tracking import views

pages = [
    path("stores/<slug:store_slug>/live/", views.live, name="live"),
    path("stores/<slug:store_slug>/recordings/", views.recordings, name="recordings"),
]
urlpatterns = [
    path("", views.home, name="home"),
    path("", include((pages, "tracking"))),
]
