// One bar an hour. Hatching where less than 95 % of the hour was seen; a true zero is a stub; the hour
// that goes on is hollow.

import { token } from '../lib/dom.js';
import { axisWidth, count, day, percent } from '../lib/format.js';
import { axis, baseline, gridLines, hatch, invisible, mount, niceStep } from './chart.js';
import { painting, roundedBar, tooltip } from './chart.js';

const WELL_SEEN = 0.95;
const FADED = 0.45;

function fillBar(ctx, { hollow, faded, scale }) {
  ctx.fillStyle = token('--ot-c1');
  ctx.globalAlpha = hollow ? 0.16 : faded ? FADED : 1;
  ctx.fill();
  ctx.globalAlpha = 1;
  if (hollow) {
    ctx.strokeStyle = token('--ot-c1');
    ctx.lineWidth = 1.5 * scale;
    ctx.stroke();
  }
}

function paintHours(hours) {
  return painting((chart, ctx, scale) => {
    const y0 = chart.valToPos(0, 'y', true);
    const gap = chart.bbox.width / hours.length;
    const width = Math.max(2 * scale, Math.min(46 * scale, gap * 0.7));
    const { idx, left } = chart.cursor;
    const pointed = idx !== null && idx !== undefined && left >= 0;
    hours.forEach((hour, index) => {
      const middle = chart.valToPos(index, 'x', true);
      if (!(hour.observed >= WELL_SEEN) && (hour.complete || hour.entries === null)) {
        hatch(ctx, middle - gap / 2, chart.bbox.top, gap, y0 - chart.bbox.top);
      }
      if (hour.entries === null) {
        return;
      }
      if (hour.entries === 0) {
        ctx.fillStyle = token('--ot-c1');
        ctx.fillRect(middle - width * 0.2, y0 - 2.5 * scale, width * 0.4, 2 * scale);
        return;
      }
      const y = chart.valToPos(hour.entries, 'y', true);
      roundedBar(ctx, middle - width / 2, y, width, y0 - y, 3 * scale, true);
      fillBar(ctx, { hollow: !hour.complete, faded: pointed && idx !== index, scale });
    });
    baseline(chart, ctx);
  });
}

function lines(hour, zone) {
  const title = `${day(hour.starts_at, zone)}, ${hour.name}${hour.complete ? '' : ' · still counting'}`;
  if (hour.entries === null) {
    return [title, ['not seen', '—']];
  }
  return [
    title,
    ['came in', count(hour.entries)],
    ['went out', count(hour.exits)],
    ['seen', percent(hour.observed)],
  ];
}

/** `get()` returns `{hours, zone}`; each hour carries its `name`. */
export function hourChart(host, get) {
  return mount(host, (width) => {
    const { hours, zone } = get();
    const max = Math.max(3, ...hours.map((hour) => hour.entries ?? 0)) * 1.12;
    const step = niceStep(max);
    const levels = [...Array(Math.floor(max / step) + 1).keys()].map((index) => index * step);
    const labels = levels.map(count);
    const every = Math.ceil(hours.length / Math.max(3, Math.floor(width / 64)));
    const named = hours.map((_, index) => index).filter((index) => index % every === 0);
    const pointAt = (chart) => {
      chart.redraw(false);
      tooltip(host, chart, (index) => lines(hours[index], zone));
    };
    return {
      options: {
        padding: [10, 4, 0, 0],
        cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
        scales: { x: { time: false, range: [-0.6, hours.length - 0.4] }, y: { range: [0, max] } },
        axes: [
          axis({
            splits: () => named,
            values: () => named.map((index) => hours[index].name.slice(0, 5)),
            size: 26,
            gap: 6,
          }),
          axis({
            splits: () => levels,
            values: () => labels,
            grid: gridLines(),
            size: axisWidth(labels, 36),
            gap: 6,
          }),
        ],
        series: [{}, invisible()],
        hooks: { draw: [paintHours(hours)], setCursor: [pointAt] },
      },
      data: [hours.map((_, index) => index), hours.map((hour) => hour.entries)],
    };
  });
}
