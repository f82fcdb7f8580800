/* Shows the free times of another therapist or service as soon as it is chosen. Without this script the button does. */
const show = document.querySelector("[data-follow]");

for (const name of ["therapist", "service"]) {
  show?.form?.elements[name]?.addEventListener("change", () => show.click());
}
