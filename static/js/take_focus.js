/* The error summary takes the focus when the page opens, so that nobody has to look for it. */
document.querySelector("[data-take-focus]")?.focus();
