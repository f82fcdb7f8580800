/* Parts of an article on its form: folded to their headings, and moved up and down by buttons, also by keyboard.
   Without this script all are open, and the number in "order" sets a part's place. */
const announcement = Object.assign(document.createElement("p"), { className: "visually-hidden" });
announcement.setAttribute("role", "status");

const isPart = (row) => row.classList.contains("inline-related") && !row.classList.contains("empty-form");
const orderOf = (row) => row.querySelector('input[name$="-order"]');
const titleOf = (row) => row.querySelector('input[name$="-heading"], input[name$="-question"], input[name$="-key"]')?.value || "New";

function button(words, act) {
  const element = Object.assign(document.createElement("button"), { type: "button", textContent: words, className: "row__button" });
  element.addEventListener("click", act);
  return element;
}

function move(row, step) {
  const rows = [...row.parentElement.children].filter(isPart);
  const other = rows[rows.indexOf(row) + step];
  if (!other) return;
  (step < 0 ? other.before(row) : other.after(row));
  const sorted = [...row.parentElement.children].filter(isPart);
  sorted.forEach((part, place) => { if (titleOf(part) !== "New" || part === row) setOrder(part, place + 1); });
  announcement.textContent = `${titleOf(row)} is now number ${sorted.indexOf(row) + 1} of ${sorted.length}.`;
}

function setOrder(row, number) {
  const field = orderOf(row);
  if (!field || field.value === String(number)) return;
  field.value = number;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function fold(row, isFolded) {
  row.classList.toggle("row--folded", isFolded);
  const opener = row.querySelector(":scope > h3 .row__title");
  opener?.setAttribute("aria-expanded", !isFolded);
}

function prepare(row, isNew = false) {
  const heading = row.querySelector(":scope > h3");
  if (!isPart(row) || !heading || heading.querySelector(".row__title")) return;
  const label = heading.querySelector(".inline_label");
  const title = button(isNew ? "New" : label.textContent, () => fold(row, !row.classList.contains("row--folded")));
  title.classList.add("row__title");
  label.replaceWith(title);
  row.addEventListener("input", (event) => { if (event.target.matches('[name$="-heading"], [name$="-question"], [name$="-key"]')) title.textContent = titleOf(row); });
  if (orderOf(row)) {
    const [up, down] = [button("Up", () => { move(row, -1); up.focus(); }), button("Down", () => { move(row, 1); down.focus(); })];
    [[up, "up"], [down, "down"]].forEach(([mover, way]) => mover.setAttribute("aria-label", `Move ${way}: ${titleOf(row)}`));
    title.after(up, down);
  }
  fold(row, !isNew && !row.querySelector(".errorlist"));
  if (isNew && orderOf(row)) setOrder(row, [...row.parentElement.children].filter(isPart).length);
}

for (const group of document.querySelectorAll(".inline-group")) {
  const rows = [...group.querySelectorAll(".inline-related")];
  rows.forEach((row) => prepare(row));
  const title = group.querySelector("h2");
  if (!title || !rows.some(isPart)) continue;
  title.append(
    button("Open all", () => [...group.querySelectorAll(".inline-related")].filter(isPart).forEach((row) => fold(row, false))),
    button("Fold all", () => [...group.querySelectorAll(".inline-related")].filter(isPart).forEach((row) => fold(row, true))),
  );
}
document.body.append(announcement);
document.addEventListener("formset:added", (event) => prepare(event.target, true));
/* Opens the part in which the browser found an invalid field. */
document.addEventListener("invalid", (event) => { const row = event.target.closest(".inline-related"); if (row) fold(row, false); }, true);
