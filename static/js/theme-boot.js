// A classic script in the head: it runs before the first paint, so the page never flashes.
(() => {
  let stored = null;
  try {
    stored = localStorage.getItem('ot-theme');
  } catch {
    // A private window may refuse storage: then the system decides.
  }
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  document.documentElement.dataset.bsTheme = stored || system;
})();
