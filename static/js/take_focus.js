/* Moves the focus to the error summary when the page opens. */
document.querySelector("[data-take-focus]")?.focus();
