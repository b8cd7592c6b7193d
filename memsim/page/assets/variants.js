// Variants: lowerings and data types between which the page switches. Each has facts of its own, so
// the page begins anew with those of another; what else is set stays, for the address has it.

function setUpVariants(write) {
  const own = DATA.variants[VARIANT];
  for (const name of VARIED) {
    const values = [...new Set(DATA.variants.map((each) => each[name]))];
    if (values.length < 2) continue;
    $("variants").append(make("fieldset", { className: "switch", id: `switch-${name}` }, make("legend", { className: "unseen" }, name),
      ...values.map((value) => {
        const input = make("input", { type: "radio", name, value, checked: value === own[name] });
        input.addEventListener("change", () => {
          write();  // what is set now
          const told = new URLSearchParams(location.hash.slice(1));
          for (const each of VARIED) told.set(each, each === name ? value : own[each]);
          location.hash = told;  // another variant: the page begins anew
        });
        return make("label", {}, input, make("span", {}, value));
      })));
  }
  if (VARIANT) {
    $("configuration").replaceChildren(...DATA.configuration.flatMap(([label, text]) => [make("dt", {}, label), make("dd", {}, text)]));
  }
}

/** The variant as an address tells it, where it is not the first. */
const variantEntries = () => (VARIANT ? VARIED.map((name) => [name, DATA.variants[VARIANT][name]]) : []);
