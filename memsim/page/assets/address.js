// The address: what is shown stands behind its #, so that a view can be sent and kept.

/** Keep the address up to date: `entries()` are what differs from how the page opens. */
function keepAddress(entries, obey) {
  let timer = 0;
  const write = () => {
    clearTimeout(timer);
    const text = new URLSearchParams(entries().filter(([, value]) => value !== "")).toString();
    if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };
  listeners.push(() => { clearTimeout(timer); timer = setTimeout(write, 200); });
  whenEntered(() => {
    clearTimeout(timer);
    if (variantOf(spoken()) === VARIANT) obey(spoken()); else location.reload();
  });
  return write;
}
