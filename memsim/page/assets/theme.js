// The theme: light or dark, as the system has it until somebody chooses.

function setUpTheme() {
  const button = $("theme"), root = document.documentElement;
  const show = () => {
    root.dataset.theme = isDark() ? "dark" : "light";
    button.setAttribute("aria-pressed", String(isDark()));
  };
  button.addEventListener("click", () => {
    theme = isDark() ? "light" : "dark";
    show();
    change({ theme });
  });
  DARK.addEventListener("change", () => { show(); change({ theme }); });
  show();
}
