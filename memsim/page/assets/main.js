// Begin: as the address has it, or with the machine's own cache, bandwidth and compute rate.

setUpControls();
setUpNumbers();
setUpTraffic();
setUpLayers();
setUpLives();
setUpLatency();
change(understood(spoken()));
summarize();
document.documentElement.dataset.ready = "yes";
