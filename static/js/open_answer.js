/* Opens the question that a link leads to, in browsers that do not open folds by themselves. */
function openAnswer() {
  const answer = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = answer?.closest("details:not([open])");
  if (!fold) return;
  fold.open = true;
  answer.scrollIntoView();
}
addEventListener("hashchange", openAnswer);
openAnswer();
