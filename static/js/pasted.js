/* Cleans HTML pasted from Word, Google Docs or web pages down to what our editor knows: paragraphs, lists, bold, italic,
   links. Headings become bold paragraphs; styles, comments and hidden marks are removed. The server cleans again. */

const BLOCKS = "p, li, ul, ol, div, table, h1, h2, h3, h4, h5, h6, blockquote";

export function cleanPasted(html) {
  // Style attributes are renamed before parsing: the policy (CSP) allows none, not even in a document nobody sees.
  const bare = html.replace(/<!--[\s\S]*?-->/g, "").replace(/<(style|script|xml|o:p|head)\b[\s\S]*?<\/\1>/gi, "")
    .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/\sstyle\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi, (_, value) => ` data-look=${value}`));
  const { body } = new DOMParser().parseFromString(bare, "text/html");
  convertWordLists(body);
  body.querySelectorAll("h1, h2, h3, h4, h5, h6").forEach((heading) => {
    const bold = Object.assign(document.createElement("strong"), { textContent: heading.textContent.trim() });
    replace(heading, "p").replaceChildren(bold);
  });
  body.querySelectorAll("[data-look]").forEach(stylesToTags);
  body.querySelectorAll("td, th").forEach((cell) => replace(cell, "p"));
  body.querySelectorAll("*").forEach((element) => {
    for (const { name } of [...element.attributes]) if (name !== "href") element.removeAttribute(name);
  });
  body.querySelectorAll("p").forEach((paragraph) => { if (!paragraph.textContent.trim()) paragraph.remove(); });
  return body.innerHTML.replaceAll("\u00a0", " ");
}

/* Google Docs writes bold and italic as styles: <b style="font-weight:normal"> around all, <span style="…:700"> inside. */
function stylesToTags(element) {
  const look = element.dataset.look.toLowerCase();
  if (/^(B|STRONG)$/.test(element.tagName) && /(^|[;\s])font-weight:\s*(normal|400)/.test(look)) return element.replaceWith(...element.childNodes);
  if (element.matches(BLOCKS) || element.tagName !== "SPAN") return undefined;
  let inner = [...element.childNodes];
  for (const [sign, tag] of [[/(^|[;\s])font-weight:\s*(bold|[6-9]00)/, "strong"], [/(^|[;\s])font-style:\s*italic/, "em"]]) {
    if (!sign.test(look)) continue;
    const wrap = document.createElement(tag);
    wrap.append(...inner);
    inner = [wrap];
  }
  return element.replaceWith(...inner);
}

/* Word writes lists as paragraphs with "mso-list:l0 level1" and the bullet as text. */
function convertWordLists(body) {
  let list = null;
  for (const item of body.querySelectorAll("p[data-look*='mso-list'], p[class*='MsoListParagraph']")) {
    const mark = [...item.querySelectorAll("[data-look*='mso-list']")].find((element) => /ignore/i.test(element.dataset.look));
    const isNumbered = /^\(?[0-9a-z]{1,3}[.)]/i.test((mark?.textContent ?? "").trim());
    mark?.remove();
    if (!list || item.previousElementSibling !== list || (list.tagName === "OL") !== isNumbered) {
      list = document.createElement(isNumbered ? "ol" : "ul");
      item.before(list);
    }
    const entry = document.createElement("li");
    entry.append(...item.childNodes);
    list.append(entry);
    item.remove();
  }
}

function replace(element, tag) {
  const other = document.createElement(tag);
  other.append(...element.childNodes);
  element.replaceWith(other);
  return other;
}
