// Begin: the machine's own cache and bandwidth.

setUpControls();
setUpNumbers();
setUpTraffic();
setUpLayers();
setUpLives();
setUpLatency();
change({ cache: state.cache, rate: state.rate, split: state.split, theme });
summarize();
window.addEventListener("resize", () => { for (const plot of plots) plot.stale = true; refresh(); });
document.documentElement.dataset.ready = "yes";
