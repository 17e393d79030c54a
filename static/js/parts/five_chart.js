// Five-minute bars: in above the line, out below. A true zero is a stub on the line, not seen is
// hatched, the last bar is hollow while it is still counting.

import { axis, baseline, gridLines, hatch, invisible, marks, mount, niceStep } from './chart.js';
import { painting, roundedBar, tooltip } from './chart.js';
import { token } from '../lib/dom.js';
import { axisWidth, clock, count, percent } from '../lib/format.js';

const WIDTH_MS = 5 * 60 * 1000;
const STUB_PX = 2;

export const isSeen = (bucket) => bucket.entries !== null;

export function spanOf(bucket, zone) {
  return `${clock(bucket.starts_at, zone)} to ${clock(Date.parse(bucket.starts_at) + WIDTH_MS, zone)}`;
}

export function noteOf(bucket) {
  if (!isSeen(bucket)) {
    return 'not seen';
  }
  if (!bucket.complete) {
    return 'still counting';
  }
  return bucket.observed < 0.95 ? `seen ${percent(bucket.observed)}` : '';
}

function bar(ctx, shape, colour, hollow) {
  const { x, y0, y, width, up, scale } = shape;
  const height = Math.abs(y0 - y) - scale;
  roundedBar(ctx, x, up ? y : y0 + scale, width, height, 3 * scale, up);
  if (!hollow) {
    ctx.fillStyle = colour;
    ctx.fill();
    return;
  }
  ctx.globalAlpha = 0.16;
  ctx.fillStyle = colour;
  ctx.fill();
  ctx.globalAlpha = 1;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5 * scale;
  ctx.stroke();
}

function stub(ctx, { x, y0, width, up, scale }, colour) {
  ctx.fillStyle = colour;
  const top = up ? y0 - (STUB_PX + 0.5) * scale : y0 + 0.5 * scale;
  ctx.fillRect(x + width * 0.3, top, width * 0.4, STUB_PX * scale);
}

function paintBars(buckets) {
  return painting((chart, ctx, scale) => {
    const y0 = chart.valToPos(0, 'y', true);
    const gap = chart.bbox.width / buckets.length;
    const width = Math.min(Math.max(3 * scale, gap * 0.62), 40 * scale);
    buckets.forEach((bucket, index) => {
      const middle = chart.valToPos(index, 'x', true);
      if (!isSeen(bucket)) {
        hatch(ctx, middle - gap / 2, chart.bbox.top, gap, chart.bbox.height);
        return;
      }
      for (const [value, name, up] of [
        [bucket.entries, '--ot-c1', true],
        [bucket.exits, '--ot-c2', false],
      ]) {
        const shape = { x: middle - width / 2, y0, width, up, scale };
        if (value > 0) {
          shape.y = chart.valToPos(up ? value : -value, 'y', true);
          bar(ctx, shape, token(name), !bucket.complete);
        } else {
          stub(ctx, shape, token(name));
        }
      }
    });
    baseline(chart, ctx);
  });
}

/** Which bars get a time under them: every 15 minutes, half that on a narrow chart, or all of few. */
function timeMarks(buckets, width) {
  const most = Math.max(2, Math.floor(width / 76));
  const step = [1, 3, 6, 12, 24, 48].find((every) => buckets.length / every <= most) ?? 96;
  return buckets
    .map((bucket, index) => ({ index, minutes: Math.round(Date.parse(bucket.starts_at) / 60000) }))
    .filter(({ minutes }) => minutes % (step * 5) === 0);
}

/** `get()` returns `{buckets, zone}`, oldest first. */
export function fiveChart(host, get) {
  return mount(host, (width) => {
    const { buckets, zone } = get();
    const values = buckets.flatMap(({ entries, exits }) => [entries ?? 0, exits ?? 0]);
    const max = Math.max(2, ...values) * 1.15;
    const step = niceStep(max, 3);
    const times = timeMarks(buckets, width);
    const levels = [...Array(Math.floor(max / step) * 2 + 1).keys()].map(
      (index) => (index - Math.floor(max / step)) * step,
    );
    const labels = levels.map((level) => count(Math.abs(level)));
    const lines = (index) => {
      const bucket = buckets[index];
      const note = noteOf(bucket);
      const title = `${spanOf(bucket, zone)}${note ? ` · ${note}` : ''}`;
      const pairs = [
        ['came in', count(bucket.entries)],
        ['went out', count(bucket.exits)],
      ];
      return [title, ...(isSeen(bucket) ? pairs : [])];
    };
    const options = {
      padding: [6, 8, 0, 0],
      scales: {
        x: { time: false, range: [-0.6, buckets.length - 0.4] },
        y: { range: [-max, max] },
      },
      axes: [
        axis({
          splits: () => times.map(({ index }) => index - 0.5),
          values: () => times.map(({ index }) => clock(buckets[index].starts_at, zone)),
          ticks: marks(),
          size: 26,
          gap: 6,
        }),
        axis({
          splits: () => levels,
          values: () => labels,
          grid: gridLines(),
          size: axisWidth(labels, 30),
        }),
      ],
      series: [{}, invisible(), invisible()],
      hooks: {
        draw: [paintBars(buckets)],
        setCursor: [(chart) => tooltip(host, chart, lines)],
      },
    };
    const data = [
      buckets.map((_, index) => index),
      buckets.map(({ entries }) => entries),
      buckets.map(({ exits }) => (exits === null ? null : -exits)),
    ];
    return { options, data };
  });
}
