/* Progress of slow requests: marks the pressed button at once, ignores a second submit of a form that changes something,
   and explains a long wait. Without this script only the browser shows that it is loading. */
const FIRST_WORD = 400, SECOND_WORD = 8_000; // milliseconds
const OF_CHANGES = "Still working. Please leave this page open. All of it is done or none: if the page does not come back, look whether it was done before you press again.";
const OF_PAGES = "Still working. A long time or many rows take a while.";
const timers = new Set();

function begin(pressed, secondWord) {
  end();
  pressed?.classList.add("is-working");
  const line = Object.assign(document.createElement("p"), { className: "working" });
  line.setAttribute("role", "status"); // empty at first, since screen readers announce only later changes
  document.body.append(line);
  later(FIRST_WORD, () => { line.textContent = "Working …"; });
  later(SECOND_WORD, () => { line.textContent = secondWord; });
}
function end() {
  timers.forEach(clearTimeout);
  timers.clear();
  document.querySelectorAll(".working").forEach((line) => line.remove());
  document.querySelectorAll(".is-working").forEach((button) => button.classList.remove("is-working"));
  document.querySelectorAll("form[aria-busy]").forEach((form) => { form.ariaBusy = null; });
}
const later = (wait, act) => timers.add(setTimeout(act, wait));

window.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || event.submitter?.hasAttribute("data-download")) return;
  if (form.method !== "post") begin(event.submitter, OF_PAGES);
  else if (form.ariaBusy === "true") event.preventDefault();
  else {
    begin(event.submitter, OF_CHANGES);
    form.ariaBusy = "true";
  }
});
window.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const isHere = link.hash && link.href.split("#")[0] === location.href.split("#")[0];
  if (link.target || isHere || link.origin !== location.origin || document.querySelector("form[aria-busy]")) return;
  begin(link, OF_PAGES);
  if (!link.hasAttribute("data-download")) return;
  event.preventDefault();
  download(link.href);
});
window.addEventListener("keydown", (event) => { if (event.key === "Escape" && !document.querySelector("form[aria-busy]")) end(); }); // Escape stops loading
window.addEventListener("pageshow", end); // also when Back restores the page from the browser's cache

/* A download loads no new page, so its arrival ends the wait here. A response that is no file is opened as a page. */
async function download(address) {
  const answer = await fetch(address).catch(() => null);
  const name = answer?.headers.get("Content-Disposition")?.match(/filename="([^"]+)"/)?.[1];
  if (!answer?.ok || !name) {
    location.assign(address);
    return;
  }
  const file = URL.createObjectURL(await answer.blob());
  Object.assign(document.createElement("a"), { href: file, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(file), SECOND_WORD);
  end();
}
