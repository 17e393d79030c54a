"""A camera's address leads where it may, by every way of writing it, or nowhere at all."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zones.addresses import (
    EMBEDDED,
    OTHERS_PORTS,
    SENTENCES,
    SPECIAL,
    Address,
    AddressRefused,
    Reason,
    ip_refused,
    judged,
    read,
    split,
)

HOME = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
EVERYWHERE = tuple(map(ipaddress.ip_network, ("0.0.0.0/0", "::/0")))
# A stub of the resolver: names and all that they lead to.
NAMES = {
    "cam": ["192.168.1.20"],
    "cam.local": ["fd12::7", "192.168.1.20"],
    "yard_1.shop.lan": ["10.1.2.3"],
    "localhost": ["127.0.0.1", "::1"],
    "inside.example": ["127.0.0.1"],
    "inside6.example": ["::1"],
    "mixed.example": ["192.168.1.20", "169.254.169.254"],
    "mixed6.example": ["192.168.1.20", "::1"],
    "out.example": ["93.184.216.34"],
    "out6.example": ["2606:2800:220:1::1"],
    "metadata.google.internal": ["169.254.169.254"],
    "mapped.example": ["::ffff:192.168.1.20"],
    "scoped.example": ["fe80::1%2"],
    "strange.example": ["not an address"],
    "xn--kamera-cua.example": ["192.168.1.21"],
}


def resolve(host: str) -> list[str]:
    return NAMES.get(host.removesuffix("."), [])


def judge(text: str, networks=HOME):
    return judged(text, networks=networks, resolve=resolve)


R = Reason
REFUSED = [
    # Nothing, and what is no address of a camera.
    ("", R.EMPTY),
    ("192.168.1.20", R.SCHEME),
    ("//192.168.1.20/1", R.SCHEME),
    ("rtsp:/192.168.1.20/1", R.SCHEME),
    ("rtsp:192.168.1.20/1", R.SCHEME),
    ("/etc/passwd", R.SCHEME),
    ("file:///etc/passwd", R.SCHEME),
    ("FILE:///etc/passwd", R.SCHEME),
    ("file://192.168.1.20/etc/passwd", R.SCHEME),
    ("concat:/etc/passwd|http://192.168.1.20/", R.SCHEME),
    ("subfile,,start,0,end,9,,:http://192.168.1.20/", R.SCHEME),
    ("crypto+http://192.168.1.20/", R.SCHEME),
    ("hls+http://192.168.1.20/", R.SCHEME),
    ("ftp://192.168.1.20/", R.SCHEME),
    ("gopher://192.168.1.20:6379/_INFO", R.SCHEME),
    ("dict://192.168.1.20:11211/stat", R.SCHEME),
    ("tcp://192.168.1.20:80", R.SCHEME),
    ("rtmp://192.168.1.20/live", R.SCHEME),
    ("data:text/plain,x", R.SCHEME),
    ("javascript:alert(1)", R.SCHEME),
    ("pipe:0", R.SCHEME),
    (" rtsp://192.168.1.20/1", R.CHARACTERS),
    # The machine itself.
    ("http://127.0.0.1/", R.LOOPBACK),
    ("rtsp://127.9.9.9/1", R.LOOPBACK),
    ("http://[::1]/", R.LOOPBACK),
    ("http://[0:0:0:0:0:0:0:1]:8000/", R.LOOPBACK),
    ("http://localhost/", R.LOOPBACK),
    ("http://LOCALHOST:8000/", R.LOOPBACK),
    ("http://localhost./", R.LOOPBACK),
    ("http://inside.example/", R.LOOPBACK),
    ("http://inside6.example/", R.LOOPBACK),
    ("http://mixed6.example/", R.LOOPBACK),
    ("http://0.0.0.0/", R.UNSPECIFIED),
    ("http://0.1.2.3/", R.UNSPECIFIED),
    ("http://[::]/", R.UNSPECIFIED),
    # Other ways of writing it, which libraries read in different ways.
    ("http://127.1/", R.NUMBER),
    ("http://2130706433/", R.NUMBER),
    ("http://3232235796/", R.NUMBER),
    ("http://0x7f000001/", R.NUMBER),
    ("http://0x7f.0.0.1/", R.NUMBER),
    ("http://0x7f.0x0.0x0.0x1/", R.NUMBER),
    ("http://0177.0.0.1/", R.NUMBER),
    ("http://017700000001/", R.NUMBER),
    ("http://127.0.0.01/", R.NUMBER),
    ("http://127.0.0.1./", R.NUMBER),
    ("http://192.168.1/", R.NUMBER),
    ("http://192.168.1.256/", R.NUMBER),
    ("http://192.168.1.20.5/", R.NUMBER),
    ("http://cam.0x10/", R.NUMBER),
    ("http://0x/", R.NUMBER),
    ("http://127%2e0.0.1/", R.HOST),
    ("http://%31%32%37.0.0.1/", R.HOST),
    ("http://①②⑦.0.0.1/", R.CHARACTERS),
    ("http://१२७.०.०.१/", R.CHARACTERS),
    ("http://127。0。0。1/", R.CHARACTERS),
    ("http://\uff11\uff12\uff17.0.0.1/", R.CHARACTERS),
    ("http://kämera.example/", R.CHARACTERS),
    # What clouds tell of themselves, and addresses that are no camera's own.
    ("http://169.254.169.254/latest/meta-data/", R.METADATA),
    ("http://[fd00:ec2::254]/latest/", R.METADATA),
    ("http://[fd20:ce::254]/", R.METADATA),
    ("http://100.100.100.200/", R.METADATA),
    ("http://metadata.google.internal/", R.METADATA),
    ("rtsp://mixed.example/1", R.METADATA),
    ("rtsp://169.254.3.4/1", R.LINK_LOCAL),
    ("rtsp://[fe80::1]/1", R.LINK_LOCAL),
    ("rtsp://[fe80::1%25eth0]/1", R.ZONE_ID),
    ("rtsp://[fe80::1%eth0]/1", R.ZONE_ID),
    ("rtsp://scoped.example/1", R.ZONE_ID),
    ("rtsp://224.0.0.1/1", R.MULTICAST),
    ("rtsp://239.1.2.3/1", R.MULTICAST),
    ("rtsp://[ff02::1]/1", R.MULTICAST),
    ("rtsp://255.255.255.255/1", R.RESERVED),
    ("rtsp://240.0.0.1/1", R.RESERVED),
    # The old kind of address inside the new one.
    ("http://[::ffff:127.0.0.1]/", R.EMBEDDED),
    ("http://[::ffff:7f00:1]/", R.EMBEDDED),
    ("http://[::ffff:192.168.1.20]/", R.EMBEDDED),
    ("http://[::127.0.0.1]/", R.EMBEDDED),
    ("http://[64:ff9b::a9fe:a9fe]/", R.EMBEDDED),
    ("http://[64:ff9b:1::7f00:1]/", R.EMBEDDED),
    ("http://[2002:7f00:1::]/", R.EMBEDDED),
    ("http://[2001:0:7f00:1::]/", R.EMBEDDED),
    ("http://mapped.example/", R.EMBEDDED),
    # Somewhere else.
    ("http://93.184.216.34/", R.PUBLIC),
    ("https://out.example/", R.PUBLIC),
    ("http://out6.example/", R.PUBLIC),
    ("http://[2606:2800:220:1::1]/", R.PUBLIC),
    ("http://11.0.0.1/", R.PUBLIC),
    ("http://172.32.0.1/", R.PUBLIC),
    ("http://172.15.255.255/", R.PUBLIC),
    ("http://192.169.0.1/", R.PUBLIC),
    ("http://100.64.0.1/", R.NOT_NAMED),
    ("http://198.18.0.1/", R.NOT_NAMED),
    ("http://[100::1]/", R.NOT_NAMED),
    ("http://nowhere.example/", R.NOWHERE),
    ("http://strange.example/", R.HOST),
    # One host taken for another.
    ("http://192.168.1.20@169.254.169.254/", R.CREDENTIALS),
    ("http://camera@elsewhere/", R.CREDENTIALS),
    ("http://u:p@192.168.1.20@10.0.0.9/", R.CREDENTIALS),
    ("http://192.168.1.20\\@10.0.0.9/", R.CHARACTERS),
    ("http://192.168.1.20\\.example/", R.CHARACTERS),
    ("http:\\\\192.168.1.20/", R.CHARACTERS),
    ("http://192.168.1.20#@10.0.0.9/", R.FRAGMENT),
    ("http://192.168.1.20/1#2", R.FRAGMENT),
    ("http://192.168.1.20\t/", R.CHARACTERS),
    ("http://192.168.1.20/\r\nHost: x", R.CHARACTERS),
    ("http://192.168.1.20/\x00", R.CHARACTERS),
    ("http://192.168.1.20/\x7f", R.CHARACTERS),
    ("http://192.168.1.20/a b", R.CHARACTERS),
    ("http://192.168.1.20/" + "a" * 500, R.TOO_LONG),
    ("http:///path", R.HOST),
    ("http://:80/", R.HOST),
    ("http://?x", R.HOST),
    ("http://-cam/", R.HOST),
    ("http://cam-/", R.HOST),
    ("http://cam..local/", R.HOST),
    ("http://.cam/", R.HOST),
    ("http://" + "a" * 64 + "/", R.HOST),
    ("http://" + "a." * 130 + "b/", R.HOST),
    ("http://cam$(id)/", R.HOST),
    ("http://cam,cam/", R.HOST),
    ("http://[192.168.1.20]/", R.HOST),
    ("http://[::1/", R.HOST),
    ("http://::1/", R.HOST),
    ("http://fd12::7/", R.HOST),
    ("http://[fd12::7]x/", R.HOST),
    ("http://[fd12::zz]/", R.HOST),
    ("http://[v1.fe80::a]/", R.HOST),
    # Ports.
    ("http://192.168.1.20:/", R.PORT),
    ("http://192.168.1.20:0/", R.PORT),
    ("http://192.168.1.20:080/", R.PORT),
    ("http://192.168.1.20:65536/", R.PORT),
    ("http://192.168.1.20:+80/", R.PORT),
    ("http://192.168.1.20:8_0/", R.PORT),
    ("http://192.168.1.20:80x/", R.PORT),
    ("http://192.168.1.20:80:80/", R.HOST),
    ("http://192.168.1.20:22/", R.PORT),
    ("http://192.168.1.20:25/", R.PORT),
    ("http://192.168.1.20:445/", R.PORT),
    ("rtsp://192.168.1.20:6379/", R.PORT),
    ("http://192.168.1.20:5432/", R.PORT),
    ("http://[fd12::7]:2375/", R.PORT),
]
GOOD = [
    ("rtsp://192.168.1.20/1", ("rtsp", "192.168.1.20", 554, "/1", "192.168.1.20")),
    ("rtsp://192.168.1.20", ("rtsp", "192.168.1.20", 554, "", "192.168.1.20")),
    ("RTSP://192.168.1.20/A", ("rtsp", "192.168.1.20", 554, "/A", "192.168.1.20")),
    ("rtsps://10.0.0.7/1", ("rtsps", "10.0.0.7", 322, "/1", "10.0.0.7")),
    ("rtsp://10.255.255.255:8554/", ("rtsp", "10.255.255.255", 8554, "/", "10.255.255.255")),
    ("http://172.16.0.1:81/mjpeg", ("http", "172.16.0.1", 81, "/mjpeg", "172.16.0.1")),
    ("https://172.31.255.255/a.ts", ("https", "172.31.255.255", 443, "/a.ts", "172.31.255.255")),
    ("http://192.168.1.20?a=b&c", ("http", "192.168.1.20", 80, "/?a=b&c", "192.168.1.20")),
    ("http://192.168.1.20/cam@1", ("http", "192.168.1.20", 80, "/cam@1", "192.168.1.20")),
    ("rtsp://CAM/1", ("rtsp", "cam", 554, "/1", "192.168.1.20")),
    ("rtsp://cam./1", ("rtsp", "cam.", 554, "/1", "192.168.1.20")),
    ("rtsp://cam.local/1", ("rtsp", "cam.local", 554, "/1", "fd12::7")),
    ("rtsp://yard_1.shop.lan/1", ("rtsp", "yard_1.shop.lan", 554, "/1", "10.1.2.3")),
    ("http://xn--kamera-cua.example/", ("http", "xn--kamera-cua.example", 80, "/", "192.168.1.21")),
    ("rtsp://[fd12::7]/1", ("rtsp", "fd12::7", 554, "/1", "fd12::7")),
    ("http://[FD12:0::7]:8080/", ("http", "fd12:0::7", 8080, "/", "fd12::7")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"), REFUSED, ids=[f"{n}-{why}" for n, (_, why) in enumerate(REFUSED)]
)
def test_an_address_is_refused_for_this_reason(text, reason):
    with pytest.raises(AddressRefused) as refused:
        judge(text)
    assert refused.value.reason == reason
    assert str(refused.value) == SENTENCES[reason]


@pytest.mark.parametrize(("text", "parts"), GOOD, ids=range(len(GOOD)))
def test_an_address_leads_here(text, parts):
    found = judge(text)
    assert (found.scheme, found.host, found.port, found.rest, found.ip) == parts
    assert found.rest in {"", "/"} or found.rest not in repr(found).replace(found.origin, "")


def test_every_reason_has_its_address_above_and_its_way_out_in_the_sentence():
    assert {reason for _, reason in REFUSED} == set(Reason) == set(SENTENCES)
    assert len({text for text, _ in REFUSED}) == len(REFUSED) >= 60
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_the_address_to_connect_to_is_the_one_that_was_judged():
    """A name that leads elsewhere when it is asked again changes nothing: it is asked once."""
    asked = []

    def turns_round(host: str) -> list[str]:
        asked.append(host)
        return ["192.168.1.20"] if len(asked) == 1 else ["127.0.0.1"]

    found = judged("http://rebind.example/", networks=HOME, resolve=turns_round)
    assert (found.ip, asked) == ("192.168.1.20", ["rebind.example"])


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("127.0.0.1", "127.0.0.1/32"),
        ("[::1]", "::1/128"),
        ("169.254.3.4", "169.254.0.0/16"),
        ("169.254.169.254", "169.254.169.254/32"),
        ("[fe80::1]", "fe80::/10"),
        ("[fd00:ec2::254]", "fd00:ec2::254/128"),
        ("239.1.2.3", "239.0.0.0/8"),
        ("93.184.216.34", "93.184.216.0/24"),
        ("93.184.216.34", "0.0.0.0/0"),
    ],
)
def test_who_names_a_network_may_connect_to_it(host, named):
    with pytest.raises(AddressRefused):
        judge(f"http://{host}/")
    assert judge(f"http://{host}/", (ipaddress.ip_network(named),)).ip == host.strip("[]")


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1", R.LOOPBACK),
        ("[::1]", R.LOOPBACK),
        ("169.254.169.254", R.METADATA),
        ("[fd00:ec2::254]", R.METADATA),
        ("169.254.1.1", R.LINK_LOCAL),
        ("0.0.0.0", R.UNSPECIFIED),
        ("224.0.0.1", R.MULTICAST),
        ("[::ffff:10.0.0.1]", R.EMBEDDED),
    ],
)
def test_to_name_everything_is_not_to_name_what_is_special(host, reason):
    with pytest.raises(AddressRefused) as refused:
        judge(f"http://{host}/", EVERYWHERE)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("rtsp://cam/1", ("rtsp://cam/1", "", "")),
        ("rtsp://u:p@cam/1", ("rtsp://cam/1", "u", "p")),
        ("RTSP://u:@cam:554", ("rtsp://cam:554", "u", "")),
        ("http://a%40b:p%2Fq%3a%25@cam/x@y", ("http://cam/x@y", "a@b", "p/q:%")),
    ],
)
def test_user_name_and_password_come_off_an_address(text, parts):
    assert split(text) == parts


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://u@cam/", R.CREDENTIALS),
        ("http://:p@cam/", R.CREDENTIALS),
        ("http://@cam/", R.CREDENTIALS),
        ("http://u:p@q@cam/", R.CREDENTIALS),
        ("http://u:p:q@cam/", R.CREDENTIALS),
        ("http://u:%ff@cam/", R.CREDENTIALS),
        ("http://u:p%0d%0aX@cam/", R.CHARACTERS),
        ("http://u:p%00@cam/", R.CHARACTERS),
        ("http://u:pä@cam/", R.CHARACTERS),
        ("http://u:p#q@cam/", R.FRAGMENT),
    ],
)
def test_what_could_be_two_passwords_is_refused(text, reason):
    with pytest.raises(AddressRefused) as refused:
        split(text)
    assert refused.value.reason == reason


# --- By property ----------------------------------------------------------------------------------


def in_brackets(ip: IPv4Address | IPv6Address) -> str:
    return f"[{ip}]" if ip.version == 6 else str(ip)


def outcome(text: str) -> tuple[Reason | None, Address | None]:
    try:
        return None, judge(text)
    except AddressRefused as refused:
        return refused.reason, None


# Half of them at the edges of what is allowed and of what is special.
EDGES = st.sampled_from([
    edge
    for network in (*HOME, *(one for _, group in SPECIAL for one in group), *EMBEDDED)
    for edge in (network[0], network[-1], network[0] - bool(int(network[0])),
                 network[-1] + (int(network[-1]) < 2 ** network.max_prefixlen - 1))
])  # fmt: skip


@given(st.one_of(st.ip_addresses(), EDGES))
def test_any_literal_is_judged_as_what_it_is_to_the_standard_library(ip):
    """An oracle that shares nothing: private networks by `ipaddress` flags and by hand."""
    is_home = any(ip in network for network in HOME)
    reason, found = outcome(f"rtsp://{in_brackets(ip)}/1")
    if found is None:
        assert not is_home or reason == R.METADATA
        return
    assert is_home
    assert ipaddress.ip_address(found.ip) == ip
    assert ip.is_private
    assert not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)


@given(st.ip_addresses(v=4))
def test_no_old_address_is_reached_inside_a_new_one(ip):
    for prefix in ("::ffff:0:0", "::", "64:ff9b::", "::ffff:0:0:0"):
        inside = IPv6Address(int(IPv6Address(prefix)) + int(ip))
        if int(inside) > 1:
            assert ip_refused(inside, (*HOME, *EVERYWHERE)) == R.EMBEDDED
    six_to_four = IPv6Address((0x2002 << 112) + (int(ip) << 80))
    assert ip_refused(six_to_four, EVERYWHERE) == R.EMBEDDED


@given(st.integers(0, 2**32 - 1), st.sampled_from(["{}", "0x{:x}", "0{:o}", "0x{:X}"]))
def test_no_number_by_itself_is_a_host(number, form):
    with pytest.raises(AddressRefused) as refused:
        judge(f"http://{form.format(number).lower()}/", EVERYWHERE)
    assert refused.value.reason == R.NUMBER


@given(st.text(max_size=40))
def test_whatever_is_typed_is_an_address_or_refused_in_words(text):
    for prefix in ("", "rtsp://", "http://u:p@", "http://192.168.1.20", "http://["):
        try:
            found = read(split(prefix + text)[0])
        except AddressRefused:
            continue
        assert found.port not in OTHERS_PORTS
        assert found.host
        assert read(found.origin + found.rest) == found


@given(st.lists(st.ip_addresses(), min_size=1, max_size=5))
def test_one_bad_address_of_a_name_is_enough_to_refuse_it(ips):
    good = [ip_refused(ip, HOME) is None for ip in ips]
    try:
        found = judged("http://x/", networks=HOME, resolve=lambda _: [str(ip) for ip in ips])
    except AddressRefused:
        assert not all(good)
    else:
        assert all(good)
        assert found.ip == str(ips[0])
