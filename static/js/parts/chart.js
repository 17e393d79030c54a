// What our bar charts share: mounting uPlot, following the theme and the width, hatching, tooltips.

import uPlot from '../../vendor/uplot/uPlot.esm.js';
import { el, token } from '../lib/dom.js';

const HATCH_PX = 5;

export const ratio = () => devicePixelRatio;

/** uPlot remembers the canvas style, so whoever paints hands it back as it was. */
export function painting(paint) {
  return (chart) => {
    chart.ctx.save();
    paint(chart, chart.ctx, ratio());
    chart.ctx.restore();
  };
}

/** "Not seen" is hatched, never empty and never zero. */
export function hatch(ctx, x, y, width, height) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, width, height);
  ctx.clip();
  ctx.strokeStyle = token('--ot-hatch');
  ctx.lineWidth = ratio();
  ctx.globalAlpha = 0.9;
  ctx.beginPath();
  for (let offset = -height; offset < width; offset += HATCH_PX * ratio()) {
    ctx.moveTo(x + offset, y + height);
    ctx.lineTo(x + offset + height, y);
  }
  ctx.stroke();
  ctx.restore();
}

export function roundedBar(ctx, x, y, width, height, radius, up) {
  const r = Math.min(radius, width / 2, height);
  ctx.beginPath();
  ctx.roundRect(x, y, width, height, up ? [r, r, 0, 0] : [0, 0, r, r]);
}

export function baseline(chart, ctx) {
  const y = chart.valToPos(0, 'y', true);
  ctx.strokeStyle = token('--ot-control');
  ctx.lineWidth = ratio();
  ctx.beginPath();
  ctx.moveTo(chart.bbox.left, y);
  ctx.lineTo(chart.bbox.left + chart.bbox.width, y);
  ctx.stroke();
}

export function axis(options) {
  return {
    stroke: token('--ot-ink-3'),
    font: '500 11px Inter, sans-serif',
    grid: { show: false },
    ticks: { show: false },
    ...options,
  };
}

export const gridLines = () => ({ show: true, stroke: token('--ot-grid'), width: 1 });
export const marks = () => ({ show: true, stroke: token('--ot-control'), size: 4, width: 1 });

/** Show `lines(index)`, a title and pairs, beside the bar under the pointer. */
export function tooltip(host, chart, lines) {
  const box = host.querySelector('.ctip') ?? host.appendChild(el('div', { class: 'ctip' }));
  const { idx, left } = chart.cursor;
  box.hidden = idx === null || idx === undefined || left < 0;
  if (box.hidden) {
    return;
  }
  const [title, ...pairs] = lines(idx);
  box.replaceChildren(
    el('b', {}, title),
    ...pairs.map(([name, value]) => el('span', {}, name, el('i', {}, value))),
  );
  const at = left + chart.bbox.left / ratio();
  const fits = at + 14 + box.offsetWidth <= host.clientWidth;
  box.style.left = `${Math.max(0, fits ? at + 14 : at - 14 - box.offsetWidth)}px`;
}

/**
 * Call `open` with the item whose bar is pressed, if something was seen of it.
 *
 * `pointed()` is the place of the bar under the pointer, `itemAt(place)` its item.
 */
export function pressable(host, pointed, itemAt, open) {
  const known = () => {
    const item = open && pointed() !== null ? itemAt(pointed()) : null;
    return item && item.entries !== null ? item : null;
  };
  host.addEventListener('pointermove', () => host.classList.toggle('pressable', Boolean(known())));
  host.addEventListener('click', () => {
    const item = known();
    if (item) {
      open(item);
    }
  });
}

/**
 * Keep a uPlot chart in `host`.
 *
 * `build()` returns uPlot's options and data for now; it runs again when the width or the theme
 * changes, and whenever `draw` is called.
 */
export function mount(host, build) {
  let chart = null;

  function draw() {
    if (!host.clientWidth) {
      return;
    }
    chart?.destroy();
    const { options, data } = build(host.clientWidth);
    const common = {
      width: host.clientWidth,
      height: host.clientHeight,
      legend: { show: false },
    };
    chart = new uPlot({ ...common, ...options }, data, host);
  }

  addEventListener('ot-theme', draw);
  new ResizeObserver(() => {
    const moved = (was, is) => Math.abs(was - is) > 1;
    const { clientWidth: width, clientHeight: height } = host;
    if (width && (!chart || moved(chart.width, width) || moved(chart.height, height))) {
      draw();
    }
  }).observe(host);
  // The axis labels are drawn, so they must wait for their typeface.
  document.fonts.ready.then(draw);
  return { draw, pointed: () => (chart?.cursor.left >= 0 ? chart.cursor.idx : null) };
}

/** A series that draws nothing by itself: our hooks paint the bars. */
export const invisible = () => ({ paths: () => null, points: { show: false } });
