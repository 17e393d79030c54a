"""Addresses of the pages of `analytics`."""

from django.urls import path

from analytics import views

app_name = "analytics"
urlpatterns = [
    path("stores/<slug:store_slug>/history/", views.history, name="history"),
    path("stores/<slug:store_slug>/dashboard/", views.dashboard, name="dashboard"),
    path("stores/<slug:store_slug>/tell/", views.tell, name="tell"),
]
