// The admin shares the theme of the other pages.

const root = document.documentElement;

function switchTheme() {
  const theme = root.dataset.bsTheme === 'dark' ? 'light' : 'dark';
  root.dataset.bsTheme = theme;
  try {
    localStorage.setItem('ot-theme', theme);
  } catch {
    // A private window may refuse storage: then the choice lasts for this page.
  }
}

for (const button of document.querySelectorAll('[data-theme-toggle]')) {
  button.addEventListener('click', switchTheme);
}
