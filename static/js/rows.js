/* The parts of an article: folded to their headings, moved up and down by buttons (so by keyboard, too).
   Without this script all are open, and the number in "order" says where a part stands. */
const said = Object.assign(document.createElement("p"), { className: "visually-hidden" });
said.setAttribute("role", "status");

const isPart = (row) => row.classList.contains("inline-related") && !row.classList.contains("empty-form");
const orderOf = (row) => row.querySelector('input[name$="-order"]');
const titleOf = (row) => row.querySelector('input[name$="-heading"], input[name$="-question"], input[name$="-key"]')?.value || "New";

function button(words, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: words, className: "row__button" });
  made.addEventListener("click", act);
  return made;
}

function move(row, step) {
  const rows = [...row.parentElement.children].filter(isPart);
  const other = rows[rows.indexOf(row) + step];
  if (!other) return;
  (step < 0 ? other.before(row) : other.after(row));
  const sorted = [...row.parentElement.children].filter(isPart);
  sorted.forEach((one, place) => { if (titleOf(one) !== "New" || one === row) setOrder(one, place + 1); });
  said.textContent = `${titleOf(row)} is now number ${sorted.indexOf(row) + 1} of ${sorted.length}.`;
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
    [[up, "up"], [down, "down"]].forEach(([one, way]) => one.setAttribute("aria-label", `Move ${way}: ${titleOf(row)}`));
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
document.body.append(said);
document.addEventListener("formset:added", (event) => prepare(event.target, true));
/* A link to an error, or the browser's own complaint, opens the part it is in. */
document.addEventListener("invalid", (event) => { const row = event.target.closest(".inline-related"); if (row) fold(row, false); }, true);
