// Before the first paint: a page must not flash white at 3 a.m.
const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
