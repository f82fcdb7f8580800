/* Unsaved text on the article's form: warns before the page is left, keeps the session alive while somebody types (at
   most one call a minute), and keeps a copy in this browser until the text is saved. */
const here = document.querySelector("[data-still-here]");
const form = here?.closest("form");
const KEEP_EVERY = 2_000, CALL_EVERY = 60_000, FORGET_AFTER = 7 * 24 * 3_600_000;

if (form) {
  const place = `typed:${here.dataset.who}:${location.pathname}`; // per user, since computers are shared
  let isDirty = false, isSending = false, lastCall = 0, timer = null;

  const fields = () => [...form.elements].filter((field) => field.name && !["csrfmiddlewaretoken", "seen_at"].includes(field.name)
    && !["file", "submit", "button", "password"].includes(field.type) && !/__prefix__|-id$/.test(field.name)); // not the rows' ids
  const value = (field) => (["checkbox", "radio"].includes(field.type) ? field.checked
    : field.type === "select-multiple" ? [...field.selectedOptions].map((option) => option.value) : field.value);
  const key = (field) => (field.type === "radio" || field.type === "checkbox" ? `${field.name}=${field.value}` : field.name);
  const allValues = () => Object.fromEntries(fields().map((field) => [key(field), value(field)]));
  const store = (name, text) => { try { text === null ? localStorage.removeItem(name) : localStorage.setItem(name, text); } catch { /* private windows may have no storage */ } };
  const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

  /* The copy includes the moment the page was opened on, so that text put back later is still refused as stale. */
  const keep = () => store(place, JSON.stringify({ at: Date.now(), seen: form.elements.seen_at?.value, typed: allValues() }));
  const call = () => {
    if (Date.now() - lastCall < CALL_EVERY) return;
    lastCall = Date.now();
    fetch(here.dataset.stillHere, {
      method: "POST", headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value }, redirect: "manual",
    }).then((answer) => { warn(!answer.ok); }).catch(() => {});
  };
  const warn = (isOff) => {
    const line = document.querySelector("[data-signed-off]") ?? banner("data-signed-off");
    line.hidden = !isOff;
    if (isOff) line.textContent = "You are no longer signed in. What you typed is kept in this browser: sign in again in another tab, then save here.";
  };
  function banner(mark) {
    const line = Object.assign(document.createElement("p"), { className: "typed" });
    line.setAttribute("role", "status");
    line.setAttribute(mark, "");
    form.before(line);
    return line;
  }

  form.addEventListener("input", () => {
    isDirty = true;
    call();
    timer ??= setTimeout(() => { timer = null; keep(); }, KEEP_EVERY);
  });
  form.addEventListener("change", () => { isDirty = true; timer ??= setTimeout(() => { timer = null; keep(); }, KEEP_EVERY); });
  form.addEventListener("submit", () => { if (isDirty) keep(); isSending = true; try { sessionStorage.setItem("sent", place); } catch { /* as above */ } });
  window.addEventListener("beforeunload", (event) => { if (isDirty && !isSending) { keep(); event.preventDefault(); } });
  window.addEventListener("pageshow", () => { isSending = false; });

  const copy = JSON.parse(stored(place) ?? "null");
  const isCheck = new URLSearchParams(location.search).has("check");
  if (copy && Date.now() - copy.at > FORGET_AFTER) store(place, null);
  else if (copy && (isCheck || document.querySelector(".errornote") === null) && differs(copy.typed)) offer(copy);
  else if (document.querySelector(".errornote") && !isCheck) isDirty = true;

  function differs(typed) {
    const now = allValues();
    return Object.entries(typed).some(([name, old]) => name !== "what_changed" && JSON.stringify(now[name]) !== JSON.stringify(old));
  }
  function offer({ at, seen, typed }) {
    const line = banner("data-typed");
    line.textContent = `You typed something here on ${new Date(at).toLocaleString()} that was not saved. `;
    const add = (words, act) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: words, className: "button" });
      button.addEventListener("click", () => { act(); line.remove(); });
      line.append(button, " ");
    };
    add("Put it back", () => putBack(typed, seen));
    add("Throw it away", () => store(place, null));
  }
  function putBack(typed, seen) {
    if (seen && form.elements.seen_at) form.elements.seen_at.value = seen;
    for (const [name, count] of Object.entries(typed).filter(([field]) => field.endsWith("-TOTAL_FORMS"))) {
      const total = form.elements[name], group = total?.closest(".inline-group");
      for (let tries = 0; group && Number(total.value) < Number(count) && tries < 100; tries++) group.querySelector(".add-row a")?.click();
    }
    for (const field of fields()) {
      if (!(key(field) in typed) || field.name.endsWith("_FORMS")) continue;
      const old = typed[key(field)];
      if (typeof old === "boolean") field.checked = old;
      else if (Array.isArray(old)) [...field.options].forEach((option) => { option.selected = old.includes(option.value); });
      else field.value = old;
      field.dispatchEvent(new Event("typed:put-back"));
    }
    isDirty = true;
  }
}
