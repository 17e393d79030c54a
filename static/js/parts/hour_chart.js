// One bar an hour. Hatching where less than 95 % of the hour's open time was seen; a closed hour is
// shaded; a true zero is a stub; the hour that goes on is hollow; a grey tick is the like hour before.

import { ChartTools } from './chart_tools.js';
import { named, niceStep } from '../lib/bars.js';
import { token } from '../lib/dom.js';
import { axisWidth, clock, count, day, percent } from '../lib/format.js';
import { axis, baseline, gridLines, hatch, invisible, mount } from './chart.js';
import { painting, pressable, roundedBar, tooltip } from './chart.js';

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

function paintHours(hours, tools) {
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
      if (!tools.has('in')) {
        // Only what it is held against is wanted.
      } else if (hour.entries === 0) {
        ctx.fillStyle = token('--ot-c1');
        ctx.fillRect(middle - width * 0.2, y0 - 2.5 * scale, width * 0.4, 2 * scale);
      } else if (hour.entries !== null) {
        const y = chart.valToPos(hour.entries, 'y', true);
        roundedBar(ctx, middle - width / 2, y, width, y0 - y, 3 * scale, true);
        fillBar(ctx, { hollow: !hour.complete, faded: pointed && idx !== index, scale });
      }
      if (hour.there !== null && tools.has('there')) {
        const y = chart.valToPos(hour.there, 'y', true);
        tick(ctx, { x: middle - width / 2, y, width, scale });
      }
    });
    baseline(chart, ctx);
  });
}

const NOTES = { closed: ' · closed', ahead: ' · to come', running: ' · still counting' };

/** A line between one day and the next. */
function dividers(marks) {
  return painting((chart, ctx, scale) => {
    ctx.strokeStyle = token('--ot-grid');
    ctx.lineWidth = scale;
    for (const [index] of marks.filter(([place]) => place > 0)) {
      const x = Math.round(chart.valToPos(index - 0.5, 'x', true));
      ctx.beginPath();
      ctx.moveTo(x, chart.bbox.top);
      ctx.lineTo(x, chart.bbox.top + chart.bbox.height);
      ctx.stroke();
    }
  });
}

function lines(hour, zone, than, days) {
  const when = days ? hour.name : `${day(hour.starts_at, zone)}, ${hour.name}`;
  const title = `${when}${NOTES[hour.state] ?? ''}`;
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

/**
 * `get()` returns `{hours, zone, than}`; each hour carries its `name`, `state` and `there`. With
 * `marks`, pairs of a bar's place and a name, those stand under the bars; `days` are no hours.
 * `open` is called with the hour whose bar is pressed; the table holds the same as links. The
 * legend names the series `in` and `there`.
 */
export function hourChart(host, get, open) {
  const at = (instant) => {
    const { zone, marks } = get();
    return `${marks?.length ? `${day(instant, zone)}, ` : ''}${clock(instant, zone)}`;
  };
  const tools = new ChartTools(host, {
    bars: () => get().hours,
    begins: (hour) => (get().days ? hour.name : at(hour.starts_at)),
    ends: (hour) => (get().days ? hour.name : at(hour.ends_at)),
    draw: () => mounted.draw(),
  });
  const mounted = mount(host, (width) => {
    const { zone, than, days } = get();
    const hours = tools.shown(get().hours);
    const marks = tools.marks(get().marks);
    tools.update();
    const most = (hour) => Math.max((tools.has('in') && hour.entries) || 0, (tools.has('there') && hour.there) || 0);
    const max = Math.max(3, ...hours.map(most)) * 1.12;
    const step = niceStep(max);
    const levels = [...Array(Math.floor(max / step) + 1).keys()].map((index) => index * step);
    const labels = levels.map(count);
    const names = named(hours, marks, width);
    const pointAt = (chart) => {
      chart.redraw(false);
      tooltip(host, chart, (index) => lines(hours[index], zone, than, days));
    };
    return {
      options: {
        padding: [10, 4, 0, 0],
        cursor: { x: false, y: false, points: { show: false }, ...tools.options },
        scales: { x: { time: false, range: [-0.6, hours.length - 0.4] }, y: { range: [0, max] } },
        axes: [
          axis({
            splits: () => names.map(([index]) => index),
            values: () => names.map(([, name]) => name),
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
        hooks: {
          draw: [dividers(days ? [] : (marks ?? [])), paintHours(hours, tools)],
          setCursor: [pointAt],
          setSelect: [tools.select],
        },
      },
      data: [hours.map((_, index) => index), hours.map((hour) => hour.entries)],
    };
  });
  pressable(host, mounted.pointed, (index) => tools.shown(get().hours)[index], open);
  return mounted;
}
