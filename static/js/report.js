// A report over time, drawn: a line for each group; dragging over it looks closer, a double press shows all again.

const COLOURS = ["#2f7fe0", "#d9822b", "#2f9e5b", "#c2417f", "#7a5bd0", "#1c9aa0", "#a08a1c", "#808a94"];
const HEIGHT = 260;
let chart = null;

function draw() {
  chart?.destroy();
  chart = null;
  const holder = document.getElementById("report-chart");
  if (!holder) return;
  const { times, lines } = JSON.parse(document.getElementById("report-drawn").textContent);
  const style = getComputedStyle(holder);
  const zone = holder.dataset.zone;
  const said = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
  const day = said({ day: "numeric", month: "short" }), hour = said({ hour: "2-digit", minute: "2-digit" });
  const whole = said({ dateStyle: "medium", timeStyle: "short" });
  // At midnight the day, else the hour.
  const ticks = (_, moments) => moments.map((at) => (hour.format(at * 1000) === "00:00" ? day : hour).format(at * 1000));
  const axis = { stroke: style.color, grid: { stroke: style.borderTopColor, width: 1 }, ticks: { stroke: style.borderTopColor } };
  const series = lines.map(({ name }, number) => ({
    label: name, stroke: COLOURS[number], width: 2, points: { show: times.length < 60 },
  }));
  chart = new uPlot({
    width: holder.clientWidth,
    height: HEIGHT,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
    series: [{ label: "Time", value: (_, at) => (at ? whole.format(at * 1000) : "–") }, ...series],
    axes: [{ ...axis, values: ticks }, { ...axis, size: 60 }],
    scales: { y: { range: (_, low, high) => [Math.min(0, low), high || 1] } },
  }, [times, ...lines.map(({ values }) => values)], holder);
}

window.addEventListener("resize", () => chart?.setSize({ width: document.getElementById("report-chart").clientWidth, height: HEIGHT }));
document.addEventListener("htmx:afterSettle", draw);
document.getElementById("theme")?.addEventListener("click", () => setTimeout(draw));
// On a phone the answer comes first.
if (matchMedia("(max-width: 720px)").matches && location.search) document.getElementById("asked").open = false;
draw();
