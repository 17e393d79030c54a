// The page of the API: Swagger in our frame and our theme, asking as whoever is logged in. It is larger
// than all else of a page together, so it comes when somebody asks for it.

import { $, el, setText } from '../lib/dom.js';

const root = document.documentElement;
const place = $('#api-docs');
const start = $('[data-start]');
const words = $('[data-start-words]');

function followTheme() {
  root.classList.toggle('dark-mode', root.dataset.bsTheme === 'dark');
}

// A session may write with its token alone; nobody else's server is ever asked.
function withToken(request) {
  if (request.method && request.method !== 'GET') {
    request.headers['X-CSRFToken'] = place.dataset.token;
  }
  return request;
}

// What Swagger draws without a name for those who cannot see it.
function nameControls() {
  for (const field of place.querySelectorAll('select:not([aria-label]), textarea:not([aria-label])')) {
    field.setAttribute('aria-label', 'Value');
  }
  for (const copy of place.querySelectorAll('.copy-to-clipboard button:not([aria-label])')) {
    copy.setAttribute('aria-label', 'Copy');
  }
  // What scrolls can be reached by keys.
  for (const text of place.querySelectorAll('pre:not([tabindex])')) {
    text.tabIndex = 0;
  }
}

followTheme();
new MutationObserver(followTheme).observe(root, { attributeFilter: ['data-bs-theme'] });
new MutationObserver(nameControls).observe(place, { childList: true, subtree: true });

function show() {
  start.remove();
  window.SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: 'BaseLayout',
    docExpansion: 'none',
    defaultModelsExpandDepth: -1,
    filter: true,
    // Text would be coloured by rules written into the page, which the policy forbids.
    syntaxHighlight: false,
    validatorUrl: null,
    requestInterceptor: withToken,
  });
}

function startReader({ currentTarget: button }) {
  button.disabled = true;
  setText(words, 'The reader is on its way …');
  const script = el('script', { src: place.dataset.reader });
  script.addEventListener('load', show);
  script.addEventListener('error', () => {
    script.remove();
    button.disabled = false;
    setText(words, 'The reader did not come. Look at your connection and try again.');
  });
  document.head.append(script);
}

$('[data-start-reader]').addEventListener('click', startReader);
