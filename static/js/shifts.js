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
    for (const input of row.querySelectorAll("input")) {
      const [what, weekday] = input.name.split("-");
      Object.assign(input, { name: `${what}-${weekday}-${place}`, id: `id_${what}-${weekday}-${place}`, value: "" });
      input.removeAttribute("value");
      const label = input.previousElementSibling;
      label.htmlFor = input.id;
      label.textContent = `shift ${place + 1}, ${what === "opens" ? "from" : "to"}`;
    }
    rows()[place - 1].after(row);
    return row;
  }
}
