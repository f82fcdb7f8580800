/* Week form: hides empty rows of each day and adds a button for one more. Without this script each day shows two rows,
   or one more than it has shifts. */
const MAX_ROWS = 8;

for (const day of document.querySelectorAll("[data-shifts]")) {
  const name = day.querySelector("legend").textContent;
  const rows = () => [...day.querySelectorAll(".week-form__pair")];
  const isEmpty = (row) => [...row.querySelectorAll("input")].every((input) => !input.value && !input.validity.badInput);
  const more = Object.assign(document.createElement("button"), { type: "button", className: "week-form__more", textContent: "Add a shift" });
  more.setAttribute("aria-label", `Add a shift on ${name}`);
  more.addEventListener("click", () => {
    const row = rows().find((candidate) => candidate.hidden) ?? addRow();
    row.hidden = false;
    row.querySelector("input").focus();
    more.hidden = rows().filter((candidate) => !candidate.hidden).length >= MAX_ROWS;
  });
  rows().filter(isEmpty).forEach((row) => { row.hidden = true; });
  day.append(more);

  function addRow() {
    const place = rows().length;
    const row = rows()[0].cloneNode(true);
    for (const field of row.querySelectorAll("input, select")) {
      const [what, weekday] = field.name.split("-");
      Object.assign(field, { name: `${what}-${weekday}-${place}`, id: `id_${what}-${weekday}-${place}`, value: "" });
      field.removeAttribute("value");
      const label = field.previousElementSibling;
      label.htmlFor = field.id;
      label.textContent = label.textContent.replace(/\d+/, place + 1);
    }
    rows()[place - 1].after(row);
    return row;
  }
}
