/* One more row of times on a day. Without this script each day has two rows, and one more than its shifts when looked at. */
const MOST = 8;

for (const day of document.querySelectorAll("[data-shifts]")) {
  const name = day.querySelector("legend").textContent;
  const rows = () => day.querySelectorAll(".week-form__pair");
  const more = Object.assign(document.createElement("button"), { type: "button", className: "week-form__more", textContent: "Add a shift" });
  more.setAttribute("aria-label", `Add a shift on ${name}`);
  more.addEventListener("click", () => {
    const place = rows().length;
    const row = rows()[0].cloneNode(true);
    for (const input of row.querySelectorAll("input")) {
      const [what, weekday] = input.name.split("-");
      Object.assign(input, { name: `${what}-${weekday}-${place}`, id: `id_${what}-${weekday}-${place}`, value: "" });
      input.removeAttribute("value");
      const label = input.previousElementSibling;
      label.htmlFor = input.id;
      label.textContent = `${name}, shift ${place + 1}, ${what === "opens" ? "from" : "to"}`;
    }
    rows()[place - 1].after(row);
    row.querySelector("input").focus();
    more.hidden = place + 1 >= MOST;
  });
  day.append(more);
}
