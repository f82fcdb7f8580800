/* Puts a therapist's next free times into a page that is the same for everyone. Without it, or on any
   error, the plain link to the free times beside it is all there is. It waits until the page stands: what
   was written comes first. */
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
