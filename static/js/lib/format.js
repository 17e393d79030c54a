// Numbers and times the way people read them. Times are always those of the store's own zone.
// `tracking/templatetags/ot.py` writes the same on the server.

export const NONE = '—';

// Below this length the times of a span need their seconds.
const SHORT_MS = 5 * 60 * 1000;

const formats = new Map();

function formatIn(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options }));
  }
  return formats.get(key);
}

function parts(at, zone, options) {
  const found = {};
  for (const part of formatIn(zone, options).formatToParts(new Date(at))) {
    found[part.type] = part.value;
  }
  return found;
}

/** found by HOG, of the title "HOG: on any machine, finds fewer people" */
export function finder(title) {
  return title ? `found by ${title.split(':')[0]}` : '';
}

/** 14:05 */
export function clock(at, zone) {
  const { hour, minute } = parts(at, zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return `${hour}:${minute}`;
}

/** 14:05:09 */
export function clockSeconds(at, zone) {
  const { hour, minute, second } = parts(at, zone, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  return `${hour}:${minute}:${second}`;
}

/** Sat 21 Nov */
export function day(at, zone) {
  const { weekday, day: date, month } = parts(at, zone, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
  });
  return `${weekday} ${date} ${month.slice(0, 3)}`;
}

/** 12:00 to 13:30, or with seconds where the span is short. */
export function clockSpan(start, end, zone) {
  const write = Date.parse(end) - Date.parse(start) < SHORT_MS ? clockSeconds : clock;
  const until = isoDay(start, zone) === isoDay(end, zone) ? '' : `${day(end, zone)}, `;
  return `${write(start, zone)} to ${until}${write(end, zone)}`;
}

/** Saturday 21 November */
export function longDay(at, zone) {
  const { weekday, day: date, month } = parts(at, zone, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
  });
  return `${weekday} ${date} ${month}`;
}

/** 2026-11-21, for comparing days and for date fields. */
export function isoDay(at, zone) {
  const found = parts(at, zone, { year: 'numeric', month: '2-digit', day: '2-digit' });
  return `${found.year}-${found.month}-${found.day}`;
}

/** 2,973; a dash where nothing was measured. */
export function count(value) {
  return value === null || value === undefined ? NONE : value.toLocaleString('en-GB');
}

/** 96 % for 0.96; never 100 % for less than all, nor 0 % for more than nothing. */
export function percent(value) {
  if (value === null || value === undefined) {
    return NONE;
  }
  if (value > 0 && value < 0.005) {
    return 'under 1 %';
  }
  return `${value < 1 ? Math.min(Math.round(value * 100), 99) : 100} %`;
}

/** 1:46, or 1:02:46 from an hour on. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) {
    return NONE;
  }
  const total = Math.round(seconds);
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const rest = String(total % 60).padStart(2, '0');
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** 9 min 40 s, 38 s, 2 h 5 min. */
export function durationWords(seconds) {
  if (seconds === null || seconds === undefined) {
    return NONE;
  }
  const total = Math.round(seconds);
  if (total < 60) {
    return `${total} s`;
  }
  if (total < 3600) {
    const rest = total % 60;
    return rest ? `${Math.floor(total / 60)} min ${rest} s` : `${total / 60} min`;
  }
  const minutes = Math.round(total / 60);
  const rest = minutes % 60;
  return rest ? `${Math.floor(minutes / 60)} h ${rest} min` : `${minutes / 60} h`;
}

/** A remaining time: a few seconds, about 40 s, about 6 min. */
export function about(seconds) {
  if (seconds < 10) {
    return 'a few seconds';
  }
  if (seconds < 55) {
    return `about ${Math.round(seconds / 10) * 10} s`;
  }
  if (seconds < 5400) {
    return `about ${Math.max(Math.round(seconds / 60), 1)} min`;
  }
  return `about ${Math.round(seconds / 3600)} h`;
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB'];

/** 340 MB, 1.9 GB. */
export function size(bytes) {
  let value = bytes;
  let step = 0;
  while (value >= 1000 && step < SIZES.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${value.toFixed(step && value < 10 ? 1 : 0)} ${SIZES[step]}`;
}

/** Nobody, 1 person, 23 people. */
export function people(value) {
  if (value === 0) {
    return 'Nobody';
  }
  return value === 1 ? '1 person' : `${count(value)} people`;
}

/** The zone's distance from UTC in minutes at an instant. */
function offsetMinutes(at, zone) {
  const found = parts(at, zone, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const wall = Date.UTC(
    Number(found.year),
    Number(found.month) - 1,
    Number(found.day),
    Number(found.hour),
    Number(found.minute),
    Number(found.second),
  );
  return Math.round((wall - Math.floor(at / 1000) * 1000) / 60000);
}

/**
 * Every instant at which the clock on the wall in `zone` shows this day and time.
 *
 * Usually one. None where the clocks sprang over it, two where they went back over it.
 * `isoDate` is 2026-11-21, `time` is 14:05 or 14:05:09. The answers are ISO 8601 in UTC.
 */
export function instantsAt(isoDate, time, zone) {
  const wall = Date.parse(`${isoDate}T${time.length === 5 ? `${time}:00` : time}Z`);
  if (Number.isNaN(wall)) {
    return [];
  }
  const dayMs = 86400000;
  const offsets = new Set([offsetMinutes(wall - dayMs, zone), offsetMinutes(wall + dayMs, zone)]);
  return [...offsets]
    .map((minutes) => wall - minutes * 60000)
    .filter((at) => at + offsetMinutes(at, zone) * 60000 === wall)
    .sort((a, b) => a - b)
    .map((at) => new Date(at).toISOString());
}

// A digit of the charts' axis font, and a little.
const DIGIT_PX = 7;

/** The width in px that a chart's y axis needs for the longest of its labels. */
export function axisWidth(labels, least) {
  const longest = Math.max(0, ...labels.map((label) => label.length));
  return Math.max(least, longest * DIGIT_PX + 10);
}
