/* The switch between versions of the documentation: docs/versions.py writes the pages of each in. */
"use strict";

(function () {
  const PAGES = /* VERSIONS */ {};
  const site = new URL(".", document.currentScript.src).href;
  const here = window.location.href.replace(/[?#].*/, "");
  const [version, ...rest] = here.slice(site.length).split("/");
  if (!(version in PAGES)) return;
  const page = decodeURIComponent(rest.join("/")) || "index.html";

  function show() {
    const label = document.createElement("label");
    label.style.cssText = "display:block;padding:0 1rem .75rem;font-size:.875rem";
    label.append("Version ");
    const choice = document.createElement("select");
    choice.id = "version";
    choice.style.cssText =
      "font:inherit;color:inherit;background:transparent;border:1px solid currentColor;" +
      "border-radius:.25rem;padding:.125rem .25rem";
    for (const name of Object.keys(PAGES)) {
      const option = new Option(name, name, name === version, name === version);
      option.style.color = "initial"; // of the list, which has its own background
      choice.add(option);
    }
    choice.addEventListener("change", () => {
      const there = PAGES[choice.value].includes(page) ? page : "index.html";
      window.location.href = `${site}${choice.value}/${there}`;
    });
    label.append(choice);
    const brand = document.querySelector(".sidebar-brand");
    if (brand) brand.after(label);
    else document.body.prepend(label);
  }

  show();
})();
