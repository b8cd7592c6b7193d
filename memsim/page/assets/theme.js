// The theme: light or dark, as the system has it until somebody chooses.

function showTheme() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(isDark()));
}

function setUpTheme() {
  $("theme").addEventListener("click", () => {
    theme = isDark() ? "light" : "dark";
    showTheme();
    change({ theme });
  });
  DARK.addEventListener("change", () => { showTheme(); change({ theme }); });
  showTheme();
}
