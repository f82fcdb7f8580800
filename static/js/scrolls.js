/* What can be scrolled takes a Tab stop, what fits does not. Without this script each of them takes one. */
const look = (one) => {
  if (one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight) one.tabIndex = 0;
  else one.removeAttribute("tabindex");
};
const sizes = new ResizeObserver((changed) => changed.forEach(({ target }) => look(target)));
for (const one of document.querySelectorAll("[data-scrolls]")) sizes.observe(one);
