"""A camera's source: kept in two parts, joined for a recorder alone, judged at each joining."""

from __future__ import annotations

import pickle
import socket
from ipaddress import ip_network
from pathlib import Path
from threading import Event

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from tests.cast import make_camera, make_store
from zones import lookups, sources
from zones.models import Camera
from zones.sealing import CannotUnseal, seal, unseal
from zones.sources import Source, SourceRefused, opened, source_put, source_read, source_told

OLD, NEW = "o" * 64, "n" * 64
USER, PASSWORD = "eye@door", "hush/9:31 c%"
ADDRESS = "rtsp://10.0.0.7:8554/live?channel=1&pwd=hush-too"


@pytest.fixture
def camera():
    return Camera(name="Door")


def refused(call, *args, **kwargs) -> str:
    with pytest.raises(SourceRefused) as error:
        call(*args, **kwargs)
    assert error.value.sentence == str(error.value)
    return str(error.value)


# --- In and out -----------------------------------------------------------------------------------


def test_what_is_kept_says_where_and_seals_the_rest(camera):
    source_put(camera, ADDRESS, user_name=USER, password=PASSWORD, transport="udp")
    assert (camera.source_kind, camera.source, camera.transport) == (
        "rtsp", "rtsp://10.0.0.7:8554", "udp",
    )  # fmt: skip
    for secret in (USER, PASSWORD, "hush", "channel", "live"):
        assert secret not in camera.source_sealed
    found = opened(camera)
    assert found.url == (
        "rtsp://eye%40door:hush%2F9%3A31%20c%25@10.0.0.7:8554/live?channel=1&pwd=hush-too"
    )
    assert (found.kind, found.transport, found.host) == ("rtsp", "udp", "10.0.0.7")


def test_name_and_password_may_stand_in_the_address(camera):
    source_put(camera, "http://eye:p%40ss@[fd12::7]:8080/mjpeg")
    assert (camera.source_kind, camera.source) == ("http", "http://[fd12::7]:8080")
    assert opened(camera).url == "http://eye:p%40ss@[fd12::7]:8080/mjpeg"
    source_put(camera, "https://10.0.0.7/a.m3u8")
    assert opened(camera).url == "https://10.0.0.7:443/a.m3u8"


def test_a_source_shows_its_address_to_nobody_who_does_not_ask_for_it(camera):
    source_put(camera, ADDRESS, user_name=USER, password=PASSWORD)
    found = opened(camera)
    kept = source_read(ADDRESS, user_name=USER, password=PASSWORD)
    shown = [repr(found), str(found), f"{found}", repr(kept), repr(camera), repr([found])]
    assert not [text for text in shown if "hush" in text or "eye" in text or "live" in text]
    assert pickle.loads(pickle.dumps(found)) == found, "it reaches a process by a pipe"


def test_a_library_that_repeats_the_address_is_heard_without_it(camera):
    source_put(camera, ADDRESS, user_name=USER, password=PASSWORD)
    found = opened(camera)
    told = found.hide(
        f"[rtsp @ 0x1] method DESCRIBE failed: 401 {found.url}; user {USER}, word {PASSWORD}, "
        "eye%40door, /live?channel=1&pwd=hush-too, tcp://10.0.0.7:8554?timeout=0"
    )
    assert told.startswith("[rtsp @ 0x1] method DESCRIBE failed: 401 rtsp://…")
    assert not [secret for secret in ("hush", "eye", "live") if secret in told]
    assert Source("loop", "/var/loops/a.mp4").hide("open /var/loops/a.mp4") == "open …"


def test_a_new_address_never_takes_the_old_password_along(camera):
    source_put(camera, ADDRESS, user_name=USER, password=PASSWORD)
    source_put(camera, "rtsp://10.0.0.66/steal")
    assert opened(camera).url == "rtsp://10.0.0.66:554/steal"


def test_what_is_sealed_opens_beside_its_own_address_alone(camera):
    """Whoever can write the table, but has no key, sends the password nowhere else."""
    source_put(camera, ADDRESS, user_name=USER, password=PASSWORD)
    camera.source = "rtsp://10.0.0.66:554"
    assert "changed past the product" in refused(opened, camera)
    assert "changed past the product" in source_told(camera).problem


def test_a_name_is_judged_again_at_each_opening_and_its_number_is_what_is_opened(
    camera, monkeypatch
):
    leads = ["192.168.1.20"]
    monkeypatch.setattr(sources, "addresses_of", lambda _: leads)
    source_put(camera, "http://u:p@cam.local/1")
    leads[:] = ["192.168.1.21"]
    found = opened(camera)
    assert (found.url, found.host) == ("http://u:p@192.168.1.21:80/1", "cam.local")
    leads[:] = ["127.0.0.1"]
    assert "runs on" in refused(opened, camera)
    leads[:] = []
    assert "leads nowhere" in refused(opened, camera)


def test_networks_are_those_of_the_settings(camera, settings):
    assert "OSKARTRACK_CAMERA_NETWORKS" in refused(source_put, camera, "rtsp://127.0.0.1:8554/1")
    settings.CAMERA_NETWORKS = (ip_network("127.0.0.0/8"),)
    source_put(camera, "rtsp://127.0.0.1:8554/1")
    assert opened(camera).url == "rtsp://127.0.0.1:8554/1"
    settings.CAMERA_NETWORKS = (ip_network("10.0.0.0/8"),)
    assert "OSKARTRACK_CAMERA_NETWORKS" in refused(opened, camera), "what was kept is judged anew"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (("rtsp://u:p@10.0.0.7/", "u", "p"), "Type them once."),
        (("rtsp://10.0.0.7/", "", "hush"), "Type that too."),
        (("rtsp://10.0.0.7/", "u" * 101, "p"), "at most 100 characters"),
        (("rtsp://10.0.0.7/", "u", "p" * 201), "at most 100 characters"),
        (("rtsp://10.0.0.7/", "u", "p\r\nX: y"), "line breaks"),
        (("rtsp://hush@10.0.0.7/", "", ""), "user:password@"),
        (("", "u", "hush"), "Type the address too"),
        (("device:0", "u", "hush"), "Leave both empty"),
        (("camera.local", "", ""), "starts with rtsp://"),
        (("/etc/hush", "", ""), "starts with rtsp://"),
        (("device:64", "", ""), "device:0"),
        (("device:-1", "", ""), "device:0"),
        (("device:0/../1", "", ""), "device:0"),
        (("device:٠", "", ""), "device:0"),
        (("device:", "", ""), "device:0"),
        (("loop:", "", ""), "Put it there first."),
        (("loop:../hush", "", ""), "Put it there first."),
        (("loop:.hush", "", ""), "Put it there first."),
        (("loop:/etc/hush", "", ""), "Put it there first."),
        (("loop:a/b.mp4", "", ""), "Put it there first."),
        (("loop:none.mp4", "", ""), "Put it there first."),
    ],
    ids=range(21),
)  # fmt: skip
def test_what_makes_no_source_is_refused_in_words_that_repeat_nothing(camera, told, words):
    address, name, word = told
    said = refused(source_put, camera, address, user_name=name, password=word)
    assert words in said
    assert "hush" not in said
    assert (camera.source_kind, camera.source, camera.source_sealed) == ("files", "", "")


def test_a_camera_of_files_is_not_opened(camera):
    assert "no address" in refused(opened, camera)
    source_put(camera, ADDRESS)
    source_put(camera, "")
    assert "no address" in refused(opened, camera)
    assert (camera.source, camera.source_sealed) == ("", "")


def test_a_usb_camera_is_opened_where_there_is_one(camera, monkeypatch):
    source_put(camera, "device:7")
    assert "Plug it in" in refused(opened, camera)
    monkeypatch.setattr(Path, "is_char_device", lambda path: str(path) == "/dev/video7")
    assert opened(camera) == Source("device", "/dev/video7")


def test_a_looped_file_lies_in_its_folder_and_is_no_link_out_of_it(camera, settings, tmp_path):
    settings.LOOPS_DIR = tmp_path / "loops"
    settings.LOOPS_DIR.mkdir()
    (settings.LOOPS_DIR / "shop.mp4").write_bytes(b"film")
    (tmp_path / "hush.mp4").write_bytes(b"film")
    (settings.LOOPS_DIR / "link.mp4").symlink_to(tmp_path / "hush.mp4")
    (settings.LOOPS_DIR / "folder").mkdir()
    source_put(camera, "loop:shop.mp4")
    assert opened(camera) == Source("loop", str(settings.LOOPS_DIR / "shop.mp4"))
    for name in ("link.mp4", "folder", "..", "shop.mp4/"):
        assert "Put it there first." in refused(source_put, camera, f"loop:{name}")
    (settings.LOOPS_DIR / "shop.mp4").unlink()
    assert "Put it there first." in refused(opened, camera)


def test_what_is_told_of_a_source_is_where_and_whether_there_is_a_password(camera, settings):
    def told():
        about = source_told(camera)
        return (about.kind, about.host, about.has_password, about.problem)

    assert told() == ("files", "", False, "")
    source_put(camera, "device:0")
    assert told() == ("device", "device:0", False, "")
    source_put(camera, ADDRESS)
    assert told() == ("rtsp", "10.0.0.7:8554", False, "")
    source_put(camera, ADDRESS, user_name=USER, password=PASSWORD)
    assert told() == ("rtsp", "10.0.0.7:8554", True, "")
    settings.CAMERA_KEYS = [NEW]
    assert told()[:3] == ("rtsp", "10.0.0.7:8554", True)
    assert "OSKARTRACK_CAMERA_KEY" in told()[3]


# --- Keys -----------------------------------------------------------------------------------------


def test_the_first_key_seals_and_all_of_them_open():
    sealed = seal({"password": PASSWORD}, [OLD])
    assert unseal(sealed, [NEW, OLD]) == {"password": PASSWORD}
    assert unseal(seal({"password": PASSWORD}, [NEW, OLD]), [NEW]) == {"password": PASSWORD}
    for keys, text in (([NEW], sealed), ([OLD], sealed[:-8] + "AAAAAA=="), ([OLD], "x")):
        with pytest.raises(CannotUnseal):
            unseal(text, keys)
    assert seal({"password": PASSWORD}, [OLD]) != sealed, "the same twice does not look the same"


@pytest.mark.db
def test_a_key_is_replaced_without_typing_a_password_again(cast, settings, capsys):
    settings.CAMERA_KEYS = [OLD]
    camera = make_camera(cast.store, source="rtsp://u:p@10.0.0.7/1")
    make_camera(cast.store, "Files")
    settings.CAMERA_KEYS = [NEW, OLD]
    call_command("seal_cameras")
    assert "1 sealed with the first key, 0 that no key opens" in capsys.readouterr().out
    settings.CAMERA_KEYS = [NEW]
    camera.refresh_from_db()
    assert opened(camera).url == "rtsp://u:p@10.0.0.7:554/1"
    settings.CAMERA_KEYS = [OLD]
    with pytest.raises(CommandError, match="None of the keys opens what is kept of: Door"):
        call_command("seal_cameras")


# --- The table ------------------------------------------------------------------------------------


@pytest.mark.db
def test_no_address_with_a_password_is_ever_in_the_plain_column(cast):
    camera = make_camera(cast.store)
    with pytest.raises(IntegrityError), transaction.atomic():
        Camera.objects.filter(pk=camera.pk).update(source="rtsp://u:p@10.0.0.7/1")


@pytest.mark.db
@pytest.mark.django_db(transaction=True)
def test_addresses_of_before_are_sealed_and_followed_by_nobody(request):
    store = make_store("Old")
    told = {
        "a": "rtsp://u:p%40ss@10.0.0.7/1?x=y", "b": "https://cam.example/1", "c": "",
        "d": "rtsp://u:p@q@10.0.0.7/",
    }  # fmt: skip
    for name in told:
        make_camera(store, name)
    before, every = [("zones", "0005_clothing_colours")], MigrationExecutor(connection)
    leaves = every.loader.graph.leaf_nodes()
    request.addfinalizer(lambda: MigrationExecutor(connection).migrate(leaves))
    every.migrate(before)
    old = MigrationExecutor(connection).loader.project_state(before).apps
    for name, source in told.items():
        old.get_model("zones", "Camera").objects.filter(name=name).update(source=source)
    MigrationExecutor(connection).migrate(leaves)
    new = {camera.name: camera for camera in Camera.objects.all()}
    assert [(new[name].source_kind, new[name].source) for name in "abcd"] == [
        ("rtsp", "rtsp://10.0.0.7:554"), ("http", "https://cam.example:443"), ("files", ""),
        ("files", ""),
    ]  # fmt: skip
    assert opened(new["a"]).url == "rtsp://u:p%40ss@10.0.0.7:554/1?x=y"
    followed = Camera.objects.filter(recording=True).values_list("name", flat=True)
    assert list(followed) == ["c"]


# --- Names ----------------------------------------------------------------------------------------


@pytest.fixture
def no_names_yet(monkeypatch):
    monkeypatch.setattr(lookups, "_known", {})


def test_a_resolver_that_does_not_answer_holds_nobody(monkeypatch, no_names_yet):
    answer = Event()

    def waits(*_, **__):
        answer.wait(60)
        return []

    monkeypatch.setattr(lookups, "WAIT_S", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", waits)
    assert lookups.addresses_of("slow.example") == ()
    assert not answer.is_set()
    answer.set()


def test_a_name_is_looked_up_once_before_the_transaction_that_needs_it(monkeypatch, no_names_yet):
    asked = []

    def told(host, *_, **__):
        asked.append(host)
        return [(0, 0, 0, "", ("192.168.1.20", 0)), (0, 0, 0, "", ("192.168.1.20", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", told)
    sources.source_ahead("rtsp://u:p@cam.local/1")
    sources.source_ahead("rtsp://cam.local/2")
    for nothing in ("", "device:0", None, 7, "rtsp://u@x/", "file:///x"):
        sources.source_ahead(nothing)
    assert lookups.addresses_of("cam.local") == ("192.168.1.20",)
    assert asked == ["cam.local"]


def test_a_name_that_leads_nowhere_leads_to_no_address(monkeypatch, no_names_yet):
    def nowhere(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert lookups.addresses_of("nowhere.example") == ()
