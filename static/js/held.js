/* A time that is held for a while: when the while is over, an open page says so. Without this script the page says
   until when. The seconds are the server's, so a clock that is wrong does no harm. */
for (const place of document.querySelectorAll("[data-held-seconds]")) {
  const end = Date.now() + place.dataset.heldSeconds * 1000;
  const look = () => {
    if (Date.now() < end) return;
    [...place.children].forEach((line, nth) => { line.hidden = nth === 0; });
  };
  setTimeout(look, place.dataset.heldSeconds * 1000 + 500);
  document.addEventListener("visibilitychange", look); // a phone that slept
}
