// Before the first paint: a page must not flash white at 3 a.m.
const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
// Nor may a picture of a batch be seen for an instant by somebody who asked not to.
const viewing = localStorage.getItem("viewing");
if (viewing) document.documentElement.dataset.viewing = viewing;
