/* Makes areas a Tab stop only while their content overflows, so that keyboards can scroll it. Without this script
   each area is a Tab stop. */
const update = (area) => {
  if (area.scrollWidth > area.clientWidth || area.scrollHeight > area.clientHeight) area.tabIndex = 0;
  else area.removeAttribute("tabindex");
};
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => update(target)));
for (const area of document.querySelectorAll("[data-scrolls]")) sizes.observe(area);
