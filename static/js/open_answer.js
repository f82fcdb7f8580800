/* Opens the <details> of the question that a link leads to, for browsers that do not do so themselves. */
function openAnswer() {
  const answer = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = answer?.closest("details:not([open])");
  if (!fold) return;
  fold.open = true;
  answer.scrollIntoView();
}
addEventListener("hashchange", openAnswer);
openAnswer();
