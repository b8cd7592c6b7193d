// Begin: the machine's own cache and bandwidth.

setUpControls();
setUpNumbers();
setUpTraffic();
setUpLayers();
setUpLives();
setUpLatency();
change({ cache: state.cache, rate: state.rate, split: state.split, theme });
summarize();
document.documentElement.dataset.ready = "yes";
