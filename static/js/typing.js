/* Nothing typed is lost: a page with unsaved text says so before it is left, typing keeps the session alive (at
   most one call a minute), and what was typed is kept in this browser until it is saved. */
const here = document.querySelector("[data-still-here]");
const form = here?.closest("form");
const KEEP_EVERY = 2_000, CALL_EVERY = 60_000, FORGET_AFTER = 7 * 24 * 3_600_000;

if (form) {
  const place = `typed:${here.dataset.who}:${location.pathname}`; // nobody else's, at a computer that is shared
  let isDirty = false, isSending = false, lastCall = 0, timer = null;

  const fields = () => [...form.elements].filter((one) => one.name && !["csrfmiddlewaretoken", "seen_at"].includes(one.name)
    && !["file", "submit", "button", "password"].includes(one.type) && !/__prefix__|-id$/.test(one.name)); // rows keep their ids
  const value = (one) => (["checkbox", "radio"].includes(one.type) ? one.checked
    : one.type === "select-multiple" ? [...one.selectedOptions].map((option) => option.value) : one.value);
  const key = (one) => (one.type === "radio" || one.type === "checkbox" ? `${one.name}=${one.value}` : one.name);
  const all = () => Object.fromEntries(fields().map((one) => [key(one), value(one)]));
  const store = (name, what) => { try { what === null ? localStorage.removeItem(name) : localStorage.setItem(name, what); } catch { /* private windows keep nothing */ } };
  const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

  /* With what the page was opened on: put back later, it is as stale as it is, and the desk shows both texts. */
  const keep = () => store(place, JSON.stringify({ at: Date.now(), seen: form.elements.seen_at?.value, typed: all() }));
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

  const was = JSON.parse(stored(place) ?? "null");
  const isLookingOnly = new URLSearchParams(location.search).has("check");
  if (was && Date.now() - was.at > FORGET_AFTER) store(place, null);
  else if (was && (isLookingOnly || document.querySelector(".errornote") === null) && differs(was.typed)) offer(was);
  else if (document.querySelector(".errornote") && !isLookingOnly) isDirty = true;

  function differs(typed) {
    const now = all();
    return Object.entries(typed).some(([name, one]) => name !== "what_changed" && JSON.stringify(now[name]) !== JSON.stringify(one));
  }
  function offer({ at, seen, typed }) {
    const line = banner("data-typed");
    line.textContent = `You typed something here on ${new Date(at).toLocaleString()} that was not saved. `;
    const add = (words, act) => {
      const made = Object.assign(document.createElement("button"), { type: "button", textContent: words, className: "button" });
      made.addEventListener("click", () => { act(); line.remove(); });
      line.append(made, " ");
    };
    add("Put it back", () => putBack(typed, seen));
    add("Throw it away", () => store(place, null));
  }
  function putBack(typed, seen) {
    if (seen && form.elements.seen_at) form.elements.seen_at.value = seen;
    for (const [name, count] of Object.entries(typed).filter(([one]) => one.endsWith("-TOTAL_FORMS"))) {
      const total = form.elements[name], group = total?.closest(".inline-group");
      for (let tries = 0; group && Number(total.value) < Number(count) && tries < 100; tries++) group.querySelector(".add-row a")?.click();
    }
    for (const one of fields()) {
      if (!(key(one) in typed) || one.name.endsWith("_FORMS")) continue;
      const old = typed[key(one)];
      if (typeof old === "boolean") one.checked = old;
      else if (Array.isArray(old)) [...one.options].forEach((option) => { option.selected = old.includes(option.value); });
      else one.value = old;
      one.dispatchEvent(new Event("typed:put-back"));
    }
    isDirty = true;
  }
}
