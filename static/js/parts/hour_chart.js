// One bar an hour. Hatching where less than 95 % of the hour's open time was seen; a closed hour is
// shaded; a true zero is a stub; the hour that goes on is hollow; a grey tick is the like hour before.

import { token } from '../lib/dom.js';
import { axisWidth, count, day, percent } from '../lib/format.js';
import { axis, baseline, gridLines, hatch, invisible, mount, niceStep } from './chart.js';
import { painting, roundedBar, tooltip } from './chart.js';

const HATCHED = new Set(['unseen', 'partly']);
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

/** The like hour before, with an edge of the card's colour so that it shows on a bar too. */
function tick(ctx, { x, y, width, scale }) {
  for (const [colour, thick] of [
    ['--ot-surface', 4],
    ['--ot-compare', 2],
  ]) {
    ctx.strokeStyle = token(colour);
    ctx.lineWidth = thick * scale;
    ctx.beginPath();
    ctx.moveTo(x - 2 * scale, y);
    ctx.lineTo(x + width + 2 * scale, y);
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
      // On whole pixels, so that two shaded hours side by side show no seam.
      const [from, to] = [middle - gap / 2, middle + gap / 2].map(Math.round);
      const back = [from, chart.bbox.top, to - from, y0 - chart.bbox.top];
      if (hour.state === 'closed') {
        ctx.fillStyle = token('--ot-sunken');
        ctx.fillRect(...back);
      } else if (HATCHED.has(hour.state)) {
        hatch(ctx, ...back);
      }
      if (hour.entries === 0) {
        ctx.fillStyle = token('--ot-c1');
        ctx.fillRect(middle - width * 0.2, y0 - 2.5 * scale, width * 0.4, 2 * scale);
      } else if (hour.entries !== null) {
        const y = chart.valToPos(hour.entries, 'y', true);
        roundedBar(ctx, middle - width / 2, y, width, y0 - y, 3 * scale, true);
        fillBar(ctx, { hollow: !hour.complete, faded: pointed && idx !== index, scale });
      }
      if (hour.there !== null) {
        const y = chart.valToPos(hour.there, 'y', true);
        tick(ctx, { x: middle - width / 2, y, width, scale });
      }
    });
    baseline(chart, ctx);
  });
}

const NOTES = { closed: ' · closed', ahead: ' · to come', running: ' · still counting' };

function lines(hour, zone, than) {
  const title = `${day(hour.starts_at, zone)}, ${hour.name}${NOTES[hour.state] ?? ''}`;
  const pairs = [];
  if (hour.entries !== null) {
    pairs.push(['came in', count(hour.entries)], ['went out', count(hour.exits)]);
  }
  if (hour.state === 'unseen' || (hour.state === 'running' && hour.observed === null)) {
    pairs.push(['not seen', '—']);
  } else if (hour.observed !== null) {
    pairs.push(['seen', percent(hour.observed)]);
  }
  if (than) {
    pairs.push([than, hour.there === null ? 'not compared' : count(hour.there)]);
  }
  return [title, ...pairs];
}

/** `get()` returns `{hours, zone, than}`; each hour carries its `name`, `state` and `there`. */
export function hourChart(host, get) {
  return mount(host, (width) => {
    const { hours, zone, than } = get();
    const most = (hour) => Math.max(hour.entries ?? 0, hour.there ?? 0);
    const max = Math.max(3, ...hours.map(most)) * 1.12;
    const step = niceStep(max);
    const levels = [...Array(Math.floor(max / step) + 1).keys()].map((index) => index * step);
    const labels = levels.map(count);
    const every = Math.ceil(hours.length / Math.max(3, Math.floor(width / 64)));
    const named = hours.map((_, index) => index).filter((index) => index % every === 0);
    const pointAt = (chart) => {
      chart.redraw(false);
      tooltip(host, chart, (index) => lines(hours[index], zone, than));
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
