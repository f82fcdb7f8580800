/* The plain link to the free times is all there is without this. */
function fill(place) {
  fetch(place.dataset.nextTimes, { credentials: "omit" })
    .then((response) => (response.ok ? response.text() : ""))
    .then((html) => {
      const part = new DOMParser().parseFromString(html, "text/html");
      place.replaceChildren(...part.body.childNodes);
    })
    .catch(() => {});
}

function fillAll() {
  document.querySelectorAll("[data-next-times]").forEach(fill);
}

/* "load" alone may come before the first frame is shown. */
function afterPaint() {
  const observer = new PerformanceObserver(() => {
    observer.disconnect();
    fillAll();
  });
  observer.observe({ type: "paint", buffered: true });
}

if (document.readyState === "complete") afterPaint();
else addEventListener("load", afterPaint);
