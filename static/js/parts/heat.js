// Heat on a camera's person-free picture: one small grid, coloured and drawn large. The scale is
// linear up to the 99th percentile, which the server names; colours come from `tokens.css`.

import { $, readJson, token } from '../lib/dom.js';

const COLOURS = ['--ot-h1', '--ot-h2', '--ot-h3', '--ot-h4', '--ot-h5'];
// How much of the picture shows through, from the first colour to the last.
const ALPHAS = [70, 140, 180, 205, 220];
// Below this share of the scale a spot stays clear: a single passer-by says nothing.
const CLEAR = 0.02;

export function rgb(hex) {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** The colour of a share of the scale in [0, 1], as [red, green, blue, alpha]; clear for nothing. */
export function shade(share, ramp) {
  if (share <= CLEAR) {
    return [...ramp[0].slice(0, 3), 0];
  }
  const place = Math.min(1, share) * (ramp.length - 1);
  const below = Math.min(ramp.length - 2, Math.floor(place));
  const between = place - below;
  return ramp[below].map((value, at) => Math.round(value + (ramp[below + 1][at] - value) * between));
}

/** Draw the map that the page holds; nothing where there is none. */
export function drawHeat() {
  const canvas = $('[data-heat-canvas]');
  const map = readJson('heat-map');
  if (!canvas || !map?.cells_s || !map.top_s) {
    return;
  }
  const ramp = COLOURS.map((name, at) => [...rgb(token(name)), ALPHAS[at]]);
  const small = document.createElement('canvas');
  small.width = map.columns;
  small.height = map.rows;
  const ink = small.getContext('2d');
  const image = ink.createImageData(map.columns, map.rows);
  map.cells_s.forEach((seconds, at) => image.data.set(shade(seconds / map.top_s, ramp), 4 * at));
  ink.putImageData(image, 0, 0);
  const out = canvas.getContext('2d');
  out.clearRect(0, 0, canvas.width, canvas.height);
  out.imageSmoothingQuality = 'high';
  out.drawImage(small, 0, 0, canvas.width, canvas.height);
  outlineInstead();
}

/** Without its still, the picture is drawn over the outlines of its zones. */
function outlineInstead() {
  const still = $('[data-heat-still]');
  const show = () => {
    still.hidden = true;
    still.closest('.heat-scene').classList.add('bare');
    $('[data-heat-outlines]').classList.remove('off');
  };
  still?.addEventListener('error', show, { once: true });
  if (still?.complete && !still.naturalWidth) {
    show();
  }
}
