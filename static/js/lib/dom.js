// Small helpers around the DOM. Text always goes in as text, never as markup.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const SVG = 'http://www.w3.org/2000/svg';

export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  set(node, attributes);
  node.append(...children);
  return node;
}

export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, name);
  set(node, attributes);
  node.append(...children);
  return node;
}

function set(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) {
      node.setAttribute(key, value === true ? '' : value);
    }
  }
}

export function icon(name, size = '') {
  const sheet = document.body.dataset.icons;
  return svg('svg', { class: `icon ${size}`, 'aria-hidden': 'true' }, svg('use', { href: `${sheet}#${name}` }));
}

export function button(label, options = {}) {
  const node = el('button', { type: 'button', class: options.class ?? 'btn btn-sm2' }, label);
  if (options.title) {
    node.setAttribute('aria-label', options.title);
  }
  node.addEventListener('click', options.onClick);
  return node;
}

/** Put a sentence of plain and bold parts into a node. */
export function say(node, parts) {
  node.replaceChildren(...parts.map((part) => (Array.isArray(part) ? el('b', {}, ...part) : part)));
}

export function setText(node, text) {
  if (node && node.textContent !== text) {
    node.textContent = text;
  }
}

export function readJson(id) {
  return JSON.parse(document.getElementById(id)?.textContent || 'null');
}

/** How far a bar is, in [0, 1]; before anything is known it only says that something happens. */
export function setProgress(bar, share) {
  if (share > 0) {
    bar.value = share * 100;
  } else {
    bar.removeAttribute('value');
  }
}

/** A colour or length of `tokens.css`. */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A row of buttons of which one is pressed: call `pick` with the value chosen. */
export function segment(node, pick) {
  node?.addEventListener('click', (event) => {
    const chosen = event.target.closest('button');
    if (chosen) {
      press(node, chosen.dataset.value);
      pick(chosen.dataset.value);
    }
  });
}

export function press(node, value) {
  for (const one of $$('button', node)) {
    one.setAttribute('aria-pressed', String(one.dataset.value === value));
  }
}
