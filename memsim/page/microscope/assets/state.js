const SPEEDS = [1, 2, 4, 8, 16, 32, 64];

/** On paper two caches stand beside one another, as wide as a sheet. */
let printing = false;
const SHEET = 670, COLUMN = 308;

/** What is shown: in the address behind the #, so that a view can be sent. */
const state = {step: 0, speed: 4, pace: "step"};

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const step = Number(given.get("step"));
  if (Number.isInteger(step) && step >= 1 && step <= steps) state.step = step - 1;
  if (SPEEDS.includes(Number(given.get("speed")))) state.speed = Number(given.get("speed"));
  if (["step", "time"].includes(given.get("pace"))) state.pace = given.get("pace");
}

function writeAddress() {
  const told = `#step=${state.step + 1}&speed=${state.speed}&pace=${state.pace}`;
  if (location.hash !== told) history.replaceState(null, "", told);
}
