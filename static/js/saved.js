/* Deletes the browser's copy of a typed form (typing.js) once the next page reports that it was saved. */
try {
  const key = sessionStorage.getItem("sent");
  sessionStorage.removeItem("sent");
  if (key && document.querySelector(".messagelist .success")) localStorage.removeItem(key);
} catch { /* private windows may have no storage */ }
