// What a page has begun and not yet done: timers, frames, and what scrolls into view, counted, so
// that a test reads a page that stands still. With LATE > 0 each comes up to LATE ms later than it
// would, by a fixed draw: a page on a slow machine.
(() => {
  const LATE = 0;
  const { setTimeout: later, clearTimeout: never, requestAnimationFrame: next, cancelAnimationFrame: forget } = window;
  const waiting = new Set();
  let draw = 1, tickets = 0;
  const delay = () => LATE && (draw = draw * 16807 % 2147483647) % LATE;

  /** Call `work` late, and know that it is to come. */
  function postpone(work) {
    const ticket = `postponed ${tickets += 1}`;
    waiting.add(ticket);
    later(() => { try { work(); } finally { waiting.delete(ticket); } }, delay());
  }

  window.setTimeout = (work, wait = 0, ...rest) => {
    const ticket = later(() => { try { work(...rest); } finally { waiting.delete(ticket); } }, wait + delay());
    if (wait < 5_000) waiting.add(ticket);
    return ticket;
  };
  window.clearTimeout = (ticket) => { waiting.delete(ticket); never(ticket); };
  window.requestAnimationFrame = (work) => {
    const ticket = tickets += 1, name = `frame ${ticket}`;
    waiting.add(name);
    const ask = () => frames.set(ticket, next((now) => {
      frames.delete(ticket);
      try { work(now); } finally { waiting.delete(name); }
    }));
    frames.set(ticket, null);
    if (LATE) later(() => { if (frames.has(ticket)) ask(); }, delay()); else ask();
    return ticket;
  };
  const frames = new Map();
  window.cancelAnimationFrame = (ticket) => {
    if (frames.get(ticket)) forget(frames.get(ticket));
    frames.delete(ticket);
    waiting.delete(`frame ${ticket}`);
  };

  if (LATE) {
    const Seen = window.IntersectionObserver;
    window.IntersectionObserver = class extends Seen {
      constructor(work, options) { super((entries, self) => postpone(() => work(entries, self)), options); }
    };
    const listen = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (name, work, ...rest) {
      const slow = ["toggle", "hashchange", "popstate", "resize"].includes(name);
      return listen.call(this, name, slow ? (event) => postpone(() => work.call(this, event)) : work, ...rest);
    };
  }

  /** Resolves when nothing has been waiting for two frames; tells what still waits after `most` ms. */
  window.standsStill = async (most) => {
    const end = performance.now() + most;
    const quiet = () => new Promise((done) => next(() => later(() => done(!waiting.size))));
    for (let frames = 0; frames < 2;) {
      frames = await quiet() ? frames + 1 : 0;
      if (performance.now() > end) return [...waiting].map(String);
    }
    return [];
  };
})();
