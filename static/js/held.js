/* Shows that a held time has expired while the page is open. Without this script the page only says until when it is
   held. The page carries the seconds left, so a wrong clock on the device does no harm. */
for (const place of document.querySelectorAll("[data-held-seconds]")) {
  const end = Date.now() + place.dataset.heldSeconds * 1000;
  const showExpired = () => {
    if (Date.now() < end) return;
    [...place.children].forEach((line, nth) => { line.hidden = nth === 0; });
  };
  setTimeout(showExpired, place.dataset.heldSeconds * 1000 + 500);
  document.addEventListener("visibilitychange", showExpired); // timers stop while a phone sleeps
}
