"use strict";
// Draws every chart of the page, again when the reader's theme or the width changes, and saves them.
(() => {
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const charts = [...document.querySelectorAll(".chart")];
  const views = new Map();
  const themeName = () => (dark.matches ? "dark" : "light");

  const specOf = (box) => {
    const colours = themes[themeName()];
    const named = (key, value) => (typeof value === "string" && Object.hasOwn(colours, value) ? colours[value] : value);
    const spec = JSON.parse(document.getElementById(box.dataset.spec).textContent, named);
    const config = JSON.parse(JSON.stringify(themes.config), named);
    const letters = spec.usermeta.longestLabel;
    const columns = Math.max(1, Math.floor(box.clientWidth / (letters * 6.2 + 34)));
    config.legend = { ...config.legend, orient: "bottom", direction: "horizontal", columns };
    return { ...spec, width: "container", autosize: { type: "fit-x", contains: "padding" }, config };
  };

  const draw = async (box) => {
    views.get(box)?.finalize();
    const spec = specOf(box);
    // ast: the expression interpreter, so that the page needs no permission to evaluate code
    const options = { renderer: "svg", actions: false, ast: true, tooltip: { theme: "page" } };
    views.set(box, await vegaEmbed(box, spec, options));
    box.dataset.theme = themeName();
    box.dataset.width = String(box.clientWidth);
    // the figure is described in words; its hundreds of marks would be read out one by one
    box.querySelector("svg")?.setAttribute("aria-hidden", "true");
  };

  let queue = Promise.resolve();
  const drawAll = (which) => {
    queue = queue.then(async () => {
      for (const box of charts.filter(which)) await draw(box);
      document.documentElement.dataset.drawn = themeName();
    });
    return queue;
  };

  let waiting = 0;
  const resized = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawAll((box) => box.dataset.width !== String(box.clientWidth)), 200);
  };

  const save = async (button) => {
    const boxes = [...button.closest("figure").querySelectorAll(".chart")];
    for (const box of boxes) {
      const link = document.createElement("a");
      link.href = await views.get(box).view.toImageURL(button.value, 2);
      link.download = `${box.dataset.name}.${button.value}`;
      link.click();
    }
  };

  dark.addEventListener("change", () => drawAll(() => true));
  addEventListener("resize", resized);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".save button");
    if (button) save(button);
  });
  document.addEventListener("dblclick", (event) => {
    const touched = event.target.closest?.(".chart");
    if (touched) drawAll((box) => box === touched); // Vega's own reset leaves the zoomed axis as it is
  });
  drawAll(() => true);
})();
