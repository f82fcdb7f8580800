/* Rich text editor for each text area with data-prose, limited to the markup that our pages use. The text area stays the
   field that is sent; without this script it takes HTML. */
import {
  Bold, BulletList, Document, Editor, Gapcursor, HardBreak, Italic, Link, ListItem, NodeClass, OrderedList, Paragraph,
  Text, UndoRedo, updateAttrsDialog,
} from "../django_prose_editor/editor.js";
import { cleanPasted } from "./pasted.js";

const PlainOrderedList = OrderedList.extend({ addAttributes: () => ({}), addNodeView: () => null, addCommands() {
  return { toggleOrderedList: () => ({ commands }) => commands.toggleList("orderedList", "listItem") };
} });
const EXTENSIONS = [
  Document, Paragraph, Text, HardBreak, Bold, Italic, BulletList, PlainOrderedList, ListItem, UndoRedo, Gapcursor,
  Link.configure({ openOnClick: false, autolink: false, linkOnPaste: true, enableTarget: false }),
  NodeClass.configure({ cssClasses: { paragraph: ["note"], orderedList: ["steps"] } }),
];
const FACTS = { "{phone}": "Phone", "{email}": "E-mail", "{address}": "Address", "{clinic}": "Name of the clinic" };

const keys = () => [...document.querySelectorAll('input[name^="references-"][name$="-key"]')]
  .map((field) => field.value).filter(Boolean);

async function choose(editor, title, options, hint) {
  const answer = await updateAttrsDialog(
    { choice: { title: hint, enum: options, default: options[0] } }, { title, submitText: "Insert" },
  )(editor, {});
  return answer?.choice;
}

async function cite(editor) {
  const key = await choose(editor, "Cite a reference", keys(), "Its key, from the references below");
  if (key) editor.chain().focus().insertContent({ type: "text", text: ` [@${key}]` }).run();
}

async function insertFact(editor) {
  const name = await choose(editor, "A fact about the clinic", Object.values(FACTS), "Kept in one place, shown everywhere");
  const token = Object.keys(FACTS).find((key) => FACTS[key] === name);
  if (token) editor.chain().focus().insertContent({ type: "text", text: token }).run();
}

/* Completes www.example.org to https://www.example.org. */
const withScheme = (address) => (/^[\w-]+(\.[\w-]+)+([/?#]|$)/.test(address) ? `https://${address}` : address);

async function link(editor) {
  const answer = await updateAttrsDialog(
    { href: { title: "Address", description: "Like /faq/ for a page of ours, or https://… Empty takes the link away." } },
    { title: "Link", submitText: "Set" },
  )(editor, editor.getAttributes("link"));
  if (!answer) return;
  const href = withScheme(answer.href.trim());
  if (href && editor.state.selection.empty && !editor.isActive("link")) {
    editor.chain().focus().insertContent({ type: "text", text: answer.href.trim(), marks: [{ type: "link", attrs: { href } }] }).run();
    return;
  }
  const range = editor.chain().focus().extendMarkRange("link");
  (href ? range.setLink({ href }) : range.unsetLink()).run();
}

function toggleSteps(editor) {
  const isSteps = editor.isActive("orderedList", { class: "steps" });
  const chain = editor.chain().focus();
  if (!editor.isActive("orderedList")) chain.toggleOrderedList();
  chain.updateAttributes("orderedList", { class: isSteps ? null : "steps" }).run();
}

const toggleNote = (editor) => editor.chain().focus()
  .updateAttributes("paragraph", { class: editor.isActive("paragraph", { class: "note" }) ? null : "note" }).run();

/* Label, whether it is on at the cursor, what a click does and, for some, whether it is possible now. */
const BUTTONS = [
  ["Bold", (editor) => editor.isActive("bold"), (editor) => editor.chain().focus().toggleBold().run()],
  ["Italic", (editor) => editor.isActive("italic"), (editor) => editor.chain().focus().toggleItalic().run()],
  ["List", (editor) => editor.isActive("bulletList"), (editor) => editor.chain().focus().toggleBulletList().run()],
  ["Numbered list", (editor) => editor.isActive("orderedList", { class: null }), (editor) => editor.chain().focus().toggleOrderedList().run()],
  ["Steps", (editor) => editor.isActive("orderedList", { class: "steps" }), toggleSteps],
  ["Note", (editor) => editor.isActive("paragraph", { class: "note" }), toggleNote],
  ["Link", (editor) => editor.isActive("link"), link],
  ["Cite", null, cite, () => keys().length > 0],
  ["Fact", null, insertFact],
  ["Undo", null, (editor) => editor.chain().focus().undo().run(), (editor) => editor.can().undo()],
  ["Redo", null, (editor) => editor.chain().focus().redo().run(), (editor) => editor.can().redo()],
];

/* The toolbar is one Tab stop; the arrow keys move between its buttons (WAI-ARIA, toolbar pattern). */
function moveFocus(event, buttons) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = buttons.at((buttons.indexOf(document.activeElement) + step) % buttons.length);
  buttons.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
  next.focus();
}

function toolbar(editor, label) {
  const bar = document.createElement("div");
  bar.className = "prose__bar";
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", `Formatting: ${label}`);
  const draw = [];
  const buttons = BUTTONS.map(([words, isOn, act, canDo], place) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: words, className: "prose__button", tabIndex: place ? -1 : 0 });
    button.addEventListener("click", () => { if (button.getAttribute("aria-disabled") !== "true") act(editor); });
    draw.push(() => {
      if (isOn) button.setAttribute("aria-pressed", isOn(editor));
      if (canDo) button.setAttribute("aria-disabled", !canDo(editor));
    });
    return button;
  });
  bar.append(...buttons);
  bar.addEventListener("keydown", (event) => moveFocus(event, buttons));
  const update = () => draw.forEach((drawButton) => drawButton());
  editor.on("transaction", update);
  bar.addEventListener("focusin", update);
  update();
  return bar;
}

function edit(area) {
  if (area.id.includes("__prefix__") || area.closest(".prose")) return;
  const label = document.querySelector(`label[for="${area.id}"]`);
  const words = (label?.textContent ?? area.name).trim().replace(/:$/, "");
  const frame = document.createElement("div");
  frame.className = "prose";
  area.before(frame);
  const described = area.getAttribute("aria-describedby");
  const editor = new Editor({
    element: frame,
    injectCSS: false, // its rules are in our style sheet, since the policy (CSP) refuses style elements
    extensions: EXTENSIONS,
    content: area.value,
    editorProps: {
      attributes: {
        class: "prose__text", role: "textbox", "aria-multiline": "true", "aria-label": words,
        ...(described ? { "aria-describedby": described } : {}),
      },
      transformPastedHTML: cleanPasted,
    },
    onUpdate() {
      area.value = editor.isEmpty ? "" : editor.getHTML();
      area.dispatchEvent(new Event("input", { bubbles: true }));
    },
  });
  frame.prepend(toolbar(editor, words));
  frame.append(area);
  area.hidden = true;
  area.addEventListener("typed:put-back", () => editor.commands.setContent(area.value, { emitUpdate: false }));
  label?.addEventListener("click", () => editor.commands.focus());
}

document.querySelectorAll("textarea[data-prose]").forEach(edit);
document.addEventListener("formset:added", (event) => event.target.querySelectorAll("textarea[data-prose]").forEach(edit));
