"""Addresses of the pages of `analytics`."""

from django.urls import path

from analytics import erase_views, evidence_views, views

app_name = "analytics"
urlpatterns = [
    path("stores/<slug:store_slug>/history/", views.history, name="history"),
    path("stores/<slug:store_slug>/dashboard/", views.dashboard, name="dashboard"),
    path("stores/<slug:store_slug>/events/", evidence_views.events, name="events"),
    path("stores/<slug:store_slug>/clients/", evidence_views.clients, name="clients"),
    path(
        "stores/<slug:store_slug>/clients/<uuid:client_id>/", evidence_views.client, name="client"
    ),
    path(
        "stores/<slug:store_slug>/clients/<uuid:client_id>/erase/",
        erase_views.client,
        name="erase-client",
    ),
    path("stores/<slug:store_slug>/visits/<uuid:visit_id>/", evidence_views.visit, name="visit"),
    path(
        "stores/<slug:store_slug>/visits/<uuid:visit_id>/erase/",
        erase_views.visit,
        name="erase-visit",
    ),
    path("stores/<slug:store_slug>/zones/", views.zones, name="zones"),
    path("stores/<slug:store_slug>/tell/", views.tell, name="tell"),
]
