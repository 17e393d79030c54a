// Five-minute bars: in above the line, out below. A true zero is a stub on the line, not seen is
// hatched, the last bar is hollow while it is still counting.

import { axis, baseline, gridLines, hatch, invisible, marks, mount } from './chart.js';
import { painting, pressable, roundedBar, tooltip } from './chart.js';
import { ChartTools } from './chart_tools.js';
import { endOf, isSeen, niceStep, noteOf, spanOf, timeMarks } from '../lib/bars.js';
import { token } from '../lib/dom.js';
import { axisWidth, clock, count } from '../lib/format.js';

const STUB_PX = 2;

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

function paintBars(buckets, tools) {
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
      const sides = [
        ['in', bucket.entries, '--ot-c1', true],
        ['out', bucket.exits, '--ot-c2', false],
      ];
      for (const [, value, name, up] of sides.filter(([series]) => tools.has(series))) {
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

function lines(bucket, zone) {
  const note = noteOf(bucket);
  const title = `${spanOf(bucket, zone)}${note ? ` · ${note}` : ''}`;
  const pairs = [
    ['came in', count(bucket.entries)],
    ['went out', count(bucket.exits)],
  ];
  return [title, ...(isSeen(bucket) ? pairs : [])];
}

/** How far up and down the bars go that are shown, and where lines of whole people stand. */
function heights(buckets, tools) {
  const [isIn, isOut] = [tools.has('in'), tools.has('out')];
  const values = buckets.flatMap(({ entries, exits }) => [(isIn && entries) || 0, (isOut && exits) || 0]);
  const max = Math.max(2, ...values) * 1.15;
  const step = niceStep(max, 3);
  const most = Math.floor(max / step);
  const levels = [...Array(most * 2 + 1).keys()].map((index) => (index - most) * step);
  return {
    // A side that is left out keeps room for the line of zero.
    range: [isOut ? -max : -max * 0.04, isIn ? max : max * 0.04],
    levels: levels.filter((level) => (isIn || level <= 0) && (isOut || level >= 0)),
  };
}

/**
 * `get()` returns `{buckets, zone}`, oldest first; `open` is called with one that is pressed. The
 * legend names the series `in` and `out`.
 */
export function fiveChart(host, get, open) {
  const tools = new ChartTools(host, {
    bars: () => get().buckets,
    begins: ({ starts_at: at }) => clock(at, get().zone),
    ends: ({ starts_at: at }) => clock(endOf(at), get().zone),
    draw: () => mounted.draw(),
  });
  const mounted = mount(host, (width) => {
    const { zone } = get();
    const buckets = tools.shown(get().buckets);
    tools.update();
    const times = timeMarks(buckets, width, zone);
    const { range, levels } = heights(buckets, tools);
    const labels = levels.map((level) => count(Math.abs(level)));
    const options = {
      padding: [6, 8, 0, 0],
      cursor: { y: false, points: { show: false }, ...tools.options },
      scales: {
        x: { time: false, range: [-0.6, buckets.length - 0.4] },
        y: { range },
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
        draw: [paintBars(buckets, tools)],
        setCursor: [(chart) => tooltip(host, chart, (place) => lines(buckets[place], zone))],
        setSelect: [tools.select],
      },
    };
    const data = [
      buckets.map((_, index) => index),
      buckets.map(({ entries }) => entries),
      buckets.map(({ exits }) => (exits === null ? null : -exits)),
    ];
    return { options, data };
  });
  pressable(host, mounted.pointed, (index) => tools.shown(get().buckets)[index], open);
  return mounted;
}
