// What every page has: menus, definitions, the theme, the line under the top bar.

import { $, $$ } from '../lib/dom.js';

const EDGE_PX = 8;

function place(popover, by) {
  const anchor = by.getBoundingClientRect();
  const box = popover.getBoundingClientRect();
  const left = Math.min(Math.max(EDGE_PX, anchor.left), innerWidth - box.width - EDGE_PX);
  const fitsBelow = anchor.bottom + 6 + box.height < innerHeight;
  const top = fitsBelow ? anchor.bottom + 6 : Math.max(EDGE_PX, anchor.top - 6 - box.height);
  popover.style.left = `${left}px`;
  popover.style.top = `${top}px`;
}

function moveFocus(menu, event) {
  if (!['ArrowDown', 'ArrowUp'].includes(event.key)) {
    return;
  }
  event.preventDefault();
  const items = $$('.item, .more-pages a', menu).filter((item) => item.checkVisibility());
  const step = event.key === 'ArrowDown' ? 1 : -1;
  const at = items.indexOf(document.activeElement);
  items[(at + step + items.length) % items.length]?.focus();
}

function startMenu(opener) {
  const menu = document.getElementById(opener.dataset.menu);
  opener.setAttribute('aria-haspopup', 'true');
  opener.setAttribute('aria-expanded', 'false');
  opener.setAttribute('aria-controls', menu.id);
  // `popovertarget` would do the opening alone, but not the placing.
  opener.popoverTargetElement = menu;
  menu.addEventListener('toggle', (event) => {
    const isMine = menu.dataset.opener === opener.dataset.openerKey;
    opener.setAttribute('aria-expanded', String(event.newState === 'open' && isMine));
  });
  opener.addEventListener('click', () => {
    menu.dataset.opener = opener.dataset.openerKey;
    requestAnimationFrame(() => {
      if (menu.matches(':popover-open')) {
        place(menu, opener);
        $('.item', menu)?.focus({ preventScroll: true });
      }
    });
  });
}

/** Definitions are found where they stand when they are wanted: a region may have come anew. */
function startDefinitions() {
  const tip = $('#deftip');
  let shown = null;
  const hide = () => {
    shown = null;
    if (tip.matches(':popover-open')) {
      tip.hidePopover();
    }
  };
  const show = ({ target }) => {
    const opener = target.closest?.('[data-def]');
    if (!opener || opener === shown) {
      return;
    }
    hide();
    shown = opener;
    tip.replaceChildren($('template', opener).content.cloneNode(true));
    tip.showPopover();
    place(tip, opener);
    opener.setAttribute('aria-describedby', tip.id);
  };
  const leave = ({ target, relatedTarget }) => {
    const opener = target.closest?.('[data-def]');
    if (opener && !opener.contains(relatedTarget)) {
      hide();
    }
  };
  ['mouseover', 'focusin', 'click'].forEach((kind) => document.addEventListener(kind, show));
  ['mouseout', 'focusout'].forEach((kind) => document.addEventListener(kind, leave));
  document.addEventListener('keydown', (event) => event.key === 'Escape' && hide());
}

function switchTheme() {
  const root = document.documentElement;
  root.dataset.bsTheme = root.dataset.bsTheme === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem('ot-theme', root.dataset.bsTheme);
  } catch {
    // A private window may refuse storage: the choice then holds for this page.
  }
  dispatchEvent(new Event('ot-theme'));
}

$$('[data-menu]').forEach((opener, index) => {
  opener.dataset.openerKey = String(index);
  startMenu(opener);
});
$$('.pop').forEach((menu) => menu.addEventListener('keydown', (event) => moveFocus(menu, event)));
// A download leaves the page where it is, and its menu would stay open.
$$('.pop a[download]').forEach((link) => {
  link.addEventListener('click', () => link.closest('.pop').hidePopover());
});
$$('[data-theme-toggle]').forEach((toggle) => toggle.addEventListener('click', switchTheme));
startDefinitions();

const top = $('.ot-top');
addEventListener('scroll', () => top.classList.toggle('stuck', scrollY > 4), { passive: true });
