"""The rows of the table: what is measured, how, and what it should come to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tools.bench import (
    core_coverage,
    databases,
    fanout,
    films,
    live_page,
    peers,
    rendered_store,
    seeing,
)
from tools.bench import workers as side_by_side
from tools.bench.installation import Installation

ROUNDS = 2  # of one worker and two, in turn


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    name : str
        What it is, with its unit.
    ours, peer : float or None
        What we came to, and what it is held against.
    ratio : float or None
        Ours over the peer's.
    most : float or None
        The goal: the ratio may be no larger.
    note : str
        What one needs to know to read it.
    """

    name: str
    ours: float | None
    peer: float | None = None
    ratio: float | None = None
    most: float | None = None
    note: str = ""

    @property
    def goal(self) -> str | None:
        """Return the goal in words, for people and for files."""
        return None if self.most is None else f"ratio <= {self.most:.4g}"

    @property
    def missed(self) -> bool:
        """Return whether there is a goal that was not reached."""
        return self.most is not None and (self.ratio is None or self.ratio > self.most)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How large to measure, and where."""

    folder: Path
    seeds: int
    seconds: int
    minutes: tuple[int, ...]
    millions: tuple[int, ...] = (1,)


def store(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield how well rendered scenes are counted."""
    seeds = rendered_store.seeds_wanted(wanted.seeds)
    tell(f"seeds {' '.join(map(str, seeds))}")
    found = rendered_store.outcomes(seeds, wanted.seconds, wanted.folder / "store", tell)
    size = f"{len(found)} scenes of {wanted.seconds} s"
    yield Row(
        "rendered_store_crossings_off",
        sum(each.error for each in found),
        sum(each.true for each in found),
        rendered_store.error_share(found),
        rendered_store.LARGEST_ERROR,
        f"entries and exits of {size}, against the true ones",
    )
    for zone, (error, counted, true) in rendered_store.zone_errors(found).items():
        share = error / true if true else None
        note = f"{counted} visits counted"
        yield Row(f"rendered_store_visits_off: {zone}", error, true, share, note=note)
    dwell = rendered_store.dwell_errors_s(found)
    median = rendered_store.median_or_none(dwell)
    yield Row("rendered_store_dwell_off_s", median, note=f"median of {len(dwell)} stays")


def speed(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield how fast one process counts with HOG."""
    video, setup, name = _film(wanted, tell)
    ran = Installation(wanted.folder / "speed").count(video, setup, timeout_s=1800)
    told = ran.json()
    note = f"{told['processed_s']:.0f} s of {name}, one process"
    yield Row("hog_times_real_time", told["processed_s"] / told["wall_s"], note=note)
    yield Row(
        "hog_times_real_time_per_core",
        told["processed_s"] / ran.cpu_s,
        note=f"{note}: by seconds of a core, its start included; not slowed by neighbours",
    )


def tracker(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield how long our tracker takes for a frame against BoT-SORT."""
    if not films.LABELLED.is_dir():
        tell("no labelled sequences beside the project: the tracker is not raced")
        return
    installation = Installation(wanted.folder / "tracker")
    race = ("-m", "tools.bench.trackers_race", peers.folder(), films.LABELLED)
    told = installation.python(*race, timeout_s=1800).json()
    yield Row(
        "tracker_ms_a_frame",
        1000 / told["ours"],
        1000 / told["peer"],
        told["peer"] / told["ours"],
        0.5,
        f"of a core, roboflow's BoT-SORT beside it; {told['ours']:.0f} and {told['peer']:.0f} "
        f"frames a second over {told['frames']:.0f} frames",
    )


def own(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield what a count costs beside what finding the people costs, and how fast it is in all."""
    video, setup, name = _film(wanted, tell)
    installation = Installation(wanted.folder / "own")
    script = ("-m", "tools.bench.own_cost", video, setup, "hog")
    told = installation.python(*script, timeout_s=1800).json()
    ran = Installation(wanted.folder / "own-count").count(video, setup, timeout_s=1800)
    detect_s, rest_s = told["detect_s"], ran.cpu_s - told["detect_s"]
    yield Row(
        "own_cost_over_hog_s",
        rest_s,
        detect_s,
        rest_s / detect_s,
        0.15,
        f"of a core for {name}: a whole count less HOG's own; in it {told['decode_s']:.1f} s of "
        f"decoding, {told['count_s']:.1f} s of tracking and counting, the processes' start",
    )
    factor = told["seconds"] / ran.cpu_s
    yield Row(
        "core_s_a_second_of_film",
        1 / factor,
        None,
        1 / factor,
        1 / 3,
        f"{factor:.2f} times real time a core with HOG; the goal is NanoDet's",
    )


def sight(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield how well each detector sees on labelled films, and counts on the street."""
    if not seeing.is_here():
        tell("no labelled films beside the project: nothing to see")
        return
    installation = Installation(wanted.folder / "sight")
    detectors = seeing.detectors_ready(installation)
    hog: dict[str, seeing.Seen] = {}
    for each in seeing.seen(installation, detectors, tell):
        hog.setdefault(each.film, each)
        peer = hog[each.film].ap if each.detector != "hog" else None
        note = f"best F1 {each.f1:.3f}, {each.cpu_ms:.0f} ms of a core a frame; HOG beside it"
        ratio = each.ap / peer if peer else None
        yield Row(f"ap_{each.detector}: {each.film}", each.ap, peer, ratio, note=note)
    for line in seeing.counted(installation, detectors, tell):
        note = f"{line.entries} in, {line.exits} out"
        total = line.entries + line.exits
        yield Row(f"crossings_{line.detector}: vtest.avi {line.line}", total, note=note)


def gating(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield what searching only where something moves costs against searching everywhere."""
    video, _, name = _film(wanted, tell)
    installation = Installation(wanted.folder / "gating")
    told = installation.python("-m", "tools.bench.gating", video, timeout_s=1800).json()
    yield Row(
        "hog_gated_over_full_frame_s",
        told["ours_s"],
        told["full_s"],
        told["ours_s"] / told["full_s"],
        1 / 3,
        f"core seconds for {told['frames']} frames of {name}; "
        f"{told['ours_people']} boxes found of {told['full_people']}",
    )


def memory(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield how much memory a process needs to count short and long videos."""
    peaks: list[float] = []
    video, truth = films.scene(Installation(wanted.folder / "films"), 60, seed=1)
    for minutes in wanted.minutes:
        installation = Installation(wanted.folder / f"memory-{minutes}")
        longer = films.repeated(video, minutes) if minutes > 1 else video
        tell(f"counting {minutes} min")
        ran = installation.count(longer, truth, timeout_s=60 + 900 * minutes)
        peaks.append(ran.peak_mb)
        first = peaks[0] if len(peaks) > 1 else None
        note = f"peak resident MiB, {ran.json()['processed_s']:.0f} s counted"
        ratio = ran.peak_mb / first if first else None
        yield Row(f"memory_mb_{minutes}_min", ran.peak_mb, first, ratio, note=note)


def workers(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield how much sooner two workers are done with one recording than one is."""
    video, setup, name = _film(wanted, tell)
    took = side_by_side.seconds(video, setup, wanted.folder / "workers", ROUNDS, tell)
    yield Row(
        "two_workers_over_one_s",
        took[2],
        took[1],
        took[2] / took[1],
        note=f"seconds for {name} with HOG: two are {took[1] / took[2]:.2f} times as fast, "
        f"best of {ROUNDS} each; their facts are equal",
    )


def coverage(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield how many branches of the core its tests leave out."""
    tell(f"running {' '.join(core_coverage.TESTS)}")
    for each in core_coverage.measure(wanted.folder):
        missed = len(each.branches_missed)
        ways = ", ".join(f"{begin}->{end}" for begin, end in each.branches_missed)
        yield Row(
            f"branches_not_tested: {each.file}",
            missed,
            each.branches,
            missed / each.branches,
            0.0,
            f"{100 * (1 - missed / each.branches):.1f} % of branches taken, "
            f"{len(each.lines_missed)} of {each.lines} lines left out"
            + (f"; missing {ways}" if ways else ""),
        )


def ingest(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield how fast events go in, against `bulk_create`, and beside two more writers."""
    for name, least in databases.FASTER_THAN_BULK_CREATE.items():
        with databases.installation(name, wanted.folder / f"ingest-{name}") as place:
            race = ("-m", "tools.bench.ingest_race", databases.ROWS)
            told = place.python(*race, timeout_s=databases.HALF_AN_HOUR_S).json()
            yield Row(
                f"ingest_s: {name}",
                told["ours_s"],
                told["peer_s"],
                told["ours_s"] / told["peer_s"],
                1 / least,
                f"{databases.ROWS} events against bulk_create: "
                f"{told['peer_s'] / told['ours_s']:.1f} times as fast, medians in turn",
            )
    tell("writing beside two others")
    busy = Installation(wanted.folder / "busy")
    script = ("-m", "tools.bench.busy_writers", 40_000)
    told = busy.python(*script, timeout_s=databases.HALF_AN_HOUR_S).json()
    pace, refused = told["events_a_second"], told["locked"]
    note = f"numbered, in and summed, by the clock; {told['events_a_core_second']:.0f} of a core"
    wanted_pace = databases.EVENTS_A_SECOND
    yield Row("ingest_events_a_second: SQLite", pace, wanted_pace, wanted_pace / pace, 1.0, note)
    note = f"writes of three processes that were locked out, of {told['writes'] + 20}"
    yield Row("ingest_refused: SQLite", refused, None, refused, 0.0, note)


def rollups(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield what sums cost against all of them anew, and reading them against reading events."""
    for name in databases.FASTER_THAN_BULK_CREATE:
        by_size: dict[int, dict[str, Any]] = {}
        for millions in sorted(wanted.millions):
            tell(f"{millions} million events on {name}")
            folder = wanted.folder / f"rollups-{name}-{millions}"
            told = by_size[millions] = databases.rollup_race(name, folder, millions)
            yield from _rollup_rows(f"{name}, {millions} M", told)
        smallest, largest = min(by_size), max(by_size)
        if smallest < largest:
            for read in ("day_s", "month_s", "totals_s"):
                ours, peer = by_size[largest][read], by_size[smallest][read]
                title = f"read_{read} {largest} M over {smallest} M: {name}"
                yield Row(title, ours, peer, ours / peer, databases.FLAT)


def _rollup_rows(where: str, told: dict[str, Any]) -> Iterator[Row]:
    ours, peer = told["incremental_s"], told["full_s"]
    note = (
        f"sums of {told['touched']:.0f} events in two hours against all {told['events']:,} anew: "
        f"{peer / ours:.0f} times cheaper; {told['buckets']:,} buckets"
    )
    yield Row(f"sums_s: {where}", ours, peer, ours / peer, 0.01, note)
    if "rows" in told:
        wrong, rows = told["differing"], told["rows"]
        yield Row(f"sums_wrong: {where}", wrong, rows, wrong / rows, 0.0, "rows, of all, after it")
    words = {"day": "24 hours, by hour", "month": "30 days, by day", "totals": "totals of 30 days"}
    for read, what in words.items():
        ours, peer = told[f"{read}_s"], told[f"{read}_raw_s"]
        note = f"{what}: from events it takes {peer / ours:.1f} times as long"
        yield Row(f"read_{read}_s: {where}", ours, peer, ours / peer, 0.1, note)


def _film(wanted: Wanted, tell: Callable[[str], None]) -> tuple[Path, Path, str]:
    """Return the real street, or a rendered scene where it is not at hand."""
    installation = Installation(wanted.folder / "films")
    if films.STREET.is_file():
        return *films.street(installation), "vtest.avi"
    tell(f"no {films.STREET.name} beside the project: a rendered scene instead")
    return *films.scene(installation, 60, seed=1), "a rendered scene"


def fan_out(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield how hints get to many sockets beside two peers, and what publishing one costs."""
    for clients in fanout.CLIENTS:
        found = fanout.measure(wanted.folder / "fanout", clients, tell)
        ours, stock, raw = (found[kind] for kind in fanout.KINDS)
        yield Row(
            f"fanout_us_a_delivery: {clients} clients",
            1e6 / ours.deliveries_a_second,
            1e6 / stock.deliveries_a_second,
            stock.deliveries_a_second / ours.deliveries_a_second,
            1 / fanout.FASTER_THAN_STOCK if clients == fanout.CLIENTS[-1] else None,
            f"{ours.deliveries_a_second:.0f} deliveries a second, the stock group layer's "
            f"{stock.deliveries_a_second:.0f}, a raw server's {raw.deliveries_a_second:.0f}",
        )
        yield Row(
            f"fanout_p99_ms: {clients} clients",
            ours.p99_ms,
            raw.p99_ms,
            ours.p99_ms / raw.p99_ms,
            fanout.LATER_THAN_RAW,
            f"4 hints a second, a raw server beside it; the stock layer's {stock.p99_ms:.0f} ms",
        )
        beside = ours.p99_ms_beside_a_stalled or float("inf")
        yield Row(
            f"fanout_p99_ms_beside_a_stalled: {clients} clients",
            beside,
            ours.p99_ms,
            beside / ours.p99_ms,
            fanout.LATER_BESIDE_A_STALLED,
            "with one more client, which does not read",
        )
    yield from _publish(wanted, tell)


def _publish(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    tell("publishing")
    told = fanout.publish_race(wanted.folder / "publish")
    group = f"a group send takes {1000 * told['group_s']:.2f} ms"
    ratio = told["ours_s"] / told["plain_s"]
    numbers = 1000 * told["ours_s"], 1000 * told["plain_s"]
    yield Row("publish_ms", *numbers, ratio, 1.5, f"a hint beside PUBLISH alone; {group}")
    opened, note = told["opened"], f"by {told['opened_by_group']:.0f} of group sends"
    yield Row("publish_connections_opened", opened, None, opened, 0.0, note)


def lists(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield what pages of lists cost, near and far back, beside the plain way of making them."""
    for name in databases.FASTER_THAN_BULK_CREATE:
        tell(f"lists on {name}")
        with databases.installation(name, wanted.folder / f"lists-{name}") as place:
            race = ("-m", "tools.bench.lists_race", databases.LISTED)
            told = place.python(*race, timeout_s=databases.HALF_AN_HOUR_S).json()
        for what, page in (("events", "newest"), ("recordings", "recordings")):
            ours, plain = told[page], told[f"plain {what}"]
            yield Row(
                f"list_ms: {what}, {name}",
                ours["ms"],
                plain["ms"],
                ours["ms"] / plain["ms"],
                note=f"of a core for a page, in {ours['queries']} queries; by number, with a COUNT "
                f"and row by row, in {plain['queries']}",
            )
        first, last = told["first"]["ms"], told["last"]["ms"]
        note = f"of a core for 200 events after the first, and at the end of {databases.LISTED}"
        yield Row(f"list_far_back_ms: {name}", last, first, last / first, databases.FLAT, note)


def page(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[Row]:
    """Yield how soon an open Live page shows what was just written down."""
    folder = wanted.folder / "page"
    folder.mkdir()
    tell(f"{live_page.STEPS} steps, one after the other, on an open page")
    took = sorted(live_page.seconds(folder))
    note = f"from the commit to the number drawn, in Chromium: median {median(took):.2f} s, "
    note += f"the latest of {len(took)} {took[-1]:.2f} s; nothing reloaded"
    late = took[int(len(took) * 0.95)]
    yield Row("live_page_s: 95 of 100", late, live_page.GOAL_S, late / live_page.GOAL_S, 1.0, note)


ROWS: dict[str, Callable[[Wanted, Callable[[str], None]], Iterator[Row]]] = {
    "tracker": tracker,
    "own": own,
    "sight": sight,
    "gating": gating,
    "speed": speed,
    "store": store,
    "memory": memory,
    "workers": workers,
    "coverage": coverage,
    "ingest": ingest,
    "rollups": rollups,
    "fanout": fan_out,
    "lists": lists,
    "page": page,
}
