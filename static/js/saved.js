/* What was typed and has been saved is kept no longer. The page after a save says so, whichever page it is. */
try {
  const key = sessionStorage.getItem("sent");
  sessionStorage.removeItem("sent");
  if (key && document.querySelector(".messagelist .success")) localStorage.removeItem(key);
} catch { /* private windows keep nothing */ }
