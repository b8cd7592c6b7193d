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

/** Which variant a picture or a file is of, where there are several. */
const variantWords = () => (DATA.variants.length > 1 ? `, ${VARIED.map((name) => DATA.variants[VARIANT][name]).join(", ")}` : "");

/** What a chart of traffic is called: of which part and of which variant it is. */
const trafficTitle = (words) => `DRAM traffic${PART_WORDS[DATA.only ?? state.part]} ${words}${variantWords()}`;

/** Rows of a download with what they hold for, so that files can be put together: after the network its machine and program, and of traffic the part. */
function configured({ heads, rows }, ofTraffic = false) {
  const own = DATA.variants[VARIANT], of = [DATA.machine.name, own.lowering], part = ofTraffic ? [DATA.only ?? PARTS_SAID[state.part]] : [];
  const input = Object.fromEntries(NETWORKS.map(({ label, batch, dtype }) => [label, [batch, dtype]]));
  return {
    heads: [heads[0], "machine", "lowering", "batch", "dtype", ...(ofTraffic ? ["part"] : []), ...heads.slice(1)],
    rows: rows.map(([label, ...rest]) => [label, ...of, ...input[label], ...part, ...rest]),
  };
}

/** The variant as an address tells it, where it is not the first. */
const variantEntries = () => (VARIANT ? VARIED.map((name) => [name, DATA.variants[VARIANT][name]]) : []);
