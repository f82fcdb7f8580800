/* Work that takes its time says so: a press is answered at once, a second one does nothing, and after a while the
   page says what a wait means. Without this script the browser's own sign of loading stays. */
const FIRST_WORD = 400, SECOND_WORD = 8_000; // milliseconds
const timers = new Set();

function begin(form, button) {
  form.ariaBusy = "true";
  button?.classList.add("is-working");
  const line = Object.assign(document.createElement("p"), { className: "working" });
  line.setAttribute("role", "status"); // empty at first: what is written later is read aloud
  document.body.append(line);
  later(FIRST_WORD, () => { line.textContent = "Working …"; });
  later(SECOND_WORD, () => {
    line.textContent = "Still working. Please leave this page open. All of it is done or none: if the page does not come back, look whether it was done before you press again.";
  });
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
  if (event.defaultPrevented || form.method !== "post" || event.submitter?.hasAttribute("data-download")) return;
  if (form.ariaBusy === "true") event.preventDefault();
  else begin(form, event.submitter);
});
window.addEventListener("pageshow", end); // also when Back brings the page as it was left
