// Before the first paint, so that nothing flashes: the theme that was chosen, if one was.
document.documentElement.dataset.theme = localStorage.getItem("theme") || "";
