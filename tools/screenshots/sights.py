"""Which pages there are to look at: a page that comes adds a row here."""

from __future__ import annotations

from dataclasses import dataclass

# As the address of a page names a shop that `place.py` fills.
SHOP, DEMO = "{shop}", "{demo}"
SIZES = ((1440, 900), (390, 844))
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Sight:
    """One state of one page.

    Attributes
    ----------
    name : str
        Of its pictures.
    path : str
        Where it is; ``{shop}`` and ``{demo}`` stand for a shop's short name.
    view : str
        The name of its address in the product, empty for further states of a page.
    do : str
        JavaScript to run once it stands there.
    logged_in : bool
        Whether somebody looks at it who may see everything.
    status : int
        What the server answers.
    cut : bool
        Whether its line to the server is cut.
    follow : tuple of str
        Selectors of the links that lead on from there, one after the other: the addresses of some
        pages are known to nobody beforehand.
    """

    name: str
    path: str
    view: str = ""
    do: str = ""
    logged_in: bool = True
    status: int = 200
    cut: bool = False
    follow: tuple[str, ...] = ()


TO_CLIENT, TO_VISIT, TO_EVENT = (
    f"main a[href*='/{name}/']:not([href*='?'])" for name in ("clients", "visits", "events")
)
TO_ERASE = "main a[href$='/erase/']"
SIGHTS = (
    Sight("login", "/login/", "login", logged_in=False),
    Sight("account", "/account/", "account"),
    Sight("overview", "/", "home"),
    Sight("overview-lost", "/", cut=True),
    Sight("live", f"/stores/{DEMO}/live/", "tracking:live"),
    Sight("live-lost", f"/stores/{DEMO}/live/", cut=True),
    Sight("live-empty", "/stores/nothing-yet/live/"),
    Sight("dashboard", f"/stores/{SHOP}/dashboard/", "analytics:dashboard"),
    Sight("dashboard-days", f"/stores/{SHOP}/dashboard/?bars=days"),
    Sight("dashboard-compared", f"/stores/{SHOP}/dashboard/?compare=week"),
    Sight(
        "dashboard-tables",
        f"/stores/{SHOP}/dashboard/",
        do="document.querySelectorAll('[data-seg] [data-value=\"table\"]').forEach(b => b.click())",
    ),
    Sight("dashboard-empty", "/stores/nothing-yet/dashboard/"),
    Sight("dashboard-refused", f"/stores/{SHOP}/dashboard/?from=never", status=400),
    Sight("tell", f"/stores/{SHOP}/tell/", "analytics:tell"),
    Sight("history", f"/stores/{SHOP}/history/?compare=week", "analytics:history"),
    Sight("history-empty", "/stores/nothing-yet/history/"),
    Sight("events", f"/stores/{DEMO}/events/", "analytics:events"),
    Sight("event", f"/stores/{DEMO}/events/", "tracking:event", follow=(TO_EVENT,)),
    Sight("clients", f"/stores/{DEMO}/clients/", "analytics:clients"),
    Sight("clients-empty", "/stores/nothing-yet/clients/"),
    Sight("client", f"/stores/{DEMO}/clients/", "analytics:client", follow=(TO_CLIENT,)),
    Sight("visit", f"/stores/{DEMO}/clients/", "analytics:visit", follow=(TO_CLIENT, TO_VISIT)),
    Sight(
        "erase-client",
        f"/stores/{DEMO}/clients/",
        "analytics:erase-client",
        follow=(TO_CLIENT, TO_ERASE),
    ),
    Sight(
        "erase-visit",
        f"/stores/{DEMO}/clients/",
        "analytics:erase-visit",
        follow=(TO_CLIENT, TO_VISIT, TO_ERASE),
    ),
    Sight("zones", f"/stores/{DEMO}/zones/", "analytics:zones"),
    Sight(
        "zones-what-if",
        f"/stores/{DEMO}/zones/",
        do="(async () => {"
        " document.querySelector('.zrow').click();"
        " const across = document.getElementById('shape-across');"
        " across.value = '35'; across.dispatchEvent(new Event('change', { bubbles: true }));"
        # It says so as well where the drawing is none yet, or nobody was followed.
        " const told = () => document.querySelector('[data-what-if][aria-busy=\"false\"]');"
        " for (let tries = 0; tries < 100 && !told(); tries += 1)"
        " await new Promise((done) => setTimeout(done, 100)); })()",
    ),
    Sight("zones-empty", "/stores/nothing-yet/zones/"),
    Sight("cameras", f"/stores/{DEMO}/cameras/", "tracking:cameras"),
    Sight("camera", f"/stores/{DEMO}/cameras/", "tracking:camera", follow=("main .known a",)),
    Sight("recordings", f"/stores/{DEMO}/recordings/", "tracking:recordings"),
    Sight(
        "recordings-open",
        f"/stores/{DEMO}/recordings/",
        do="document.querySelectorAll('details').forEach(d => { d.open = true; })",
    ),
    Sight(
        "links",
        f"/stores/{DEMO}/recordings/",
        "tracking:links",
        follow=("main a[href$='/links/']",),
    ),
    Sight("recordings-empty", "/stores/nothing-yet/recordings/"),
    Sight("health", "/health/", "health"),
    Sight("style", "/style/", "style"),
    Sight("api-docs", "/api-docs/", "api-docs"),
    Sight(
        "api-docs-open",
        "/api-docs/",
        do="(async () => {"
        " const press = async (what) => { const all = () => document.querySelectorAll(what);"
        " while (!all().length) await new Promise((done) => setTimeout(done, 100));"
        " all()[0].click(); };"
        " for (const what of ['[data-start-reader]', '#operations-tag-stores',"
        " '.opblock-summary-control']) await press(what); })()",
    ),
    Sight("not-found", "/stores/no-such-shop/live/", status=404),
)
