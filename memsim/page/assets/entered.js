// An address that is entered while a page is open.

/** Call `obey` then. What was entered goes before what the page wrote at that moment. */
function whenEntered(obey) {
  window.addEventListener("hashchange", (event) => {
    if (event.newURL !== location.href) history.replaceState(null, "", event.newURL);
    obey();
  });
}
