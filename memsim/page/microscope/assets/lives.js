/** Every feature map from the step that makes it to its last reader: a row each, a column per step. */
function paintLives() {
  const style = getComputedStyle(document.documentElement);
  const colour = name => {
    const digits = style.getPropertyValue(name).trim().slice(1);
    const full = digits.length === 3 ? [...digits].map(each => each + each).join("") : digits;
    return [0, 2, 4].map(at => parseInt(full.slice(at, at + 2), 16));
  };
  const held = colour("--map"), gone = colour("--gone");
  for (const side of sides) {
    const canvas = document.querySelector(`.side[data-policy="${side.name}"] canvas`);
    canvas.width = steps;
    canvas.height = Math.max(1, maps.length);
    const brush = canvas.getContext("2d"), image = brush.createImageData(canvas.width, canvas.height);
    for (let step = 0; step < steps; step++) {
      const now = side.heldAfter(step);
      maps.forEach((number, row) => {
        const tensor = tensors[number], share = now[number] / tensor.bytes;
        const begun = tensor.writer < 0 ? true : lastOf[tensor.writer] <= step;
        if (!share && (!begun || step >= tensor.dies)) return;
        const place = 4 * (row * steps + step);
        for (let part = 0; part < 3; part++) image.data[place + part] = Math.round(held[part] * share + gone[part] * (1 - share));
        image.data[place + 3] = Math.round(255 * (.35 + .65 * share));
      });
    }
    brush.putImageData(image, 0, 0);
    const place = canvas.parentElement;
    const scrub = event => {
      const box = canvas.getBoundingClientRect();
      leap(Math.floor((event.clientX - box.left) / box.width * steps));
    };
    place.onpointerdown = event => { place.setPointerCapture(event.pointerId); scrub(event); };
    place.onpointermove = event => { if (event.buttons) scrub(event); };
  }
}

function moveLives(step) {
  for (const line of document.querySelectorAll(".map i")) line.style.left = `${100 * (step + .5) / steps}%`;
}
