"use strict";
// Draws every chart of the page, again when the reader's theme or the width changes, and saves them.
(() => {
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const charts = [...document.querySelectorAll(".chart")];
  const views = new Map();
  let specs = {};
  const themeName = () => (dark.matches ? "dark" : "light");

  // a copy with every name of a colour replaced by the colour
  const recoloured = (value, colours) =>
    JSON.parse(JSON.stringify(value), (key, inner) =>
      typeof inner === "string" && Object.hasOwn(colours, inner) ? colours[inner] : inner,
    );

  const specOf = (box) => {
    const colours = themes[themeName()];
    const spec = recoloured(specs[box.dataset.spec], colours);
    const config = recoloured(themes.config, colours);
    const letters = spec.usermeta.longestLabel;
    const columns = Math.max(1, Math.floor(box.clientWidth / (letters * 6.2 + 34)));
    config.legend = { ...config.legend, orient: "bottom", direction: "horizontal", columns };
    return { ...spec, width: "container", autosize: { type: "fit-x", contains: "padding" }, config };
  };

  const unpacked = (id) => {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };

  // the drawing library, packed: unpacked once, and run as a script of the page
  const load = async () => {
    const script = document.createElement("script");
    script.textContent = await unpacked("bundle");
    document.head.append(script);
    specs = JSON.parse(await unpacked("specs"));
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

  let queue = load();
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

  const give = (name, kind, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const csv = (table) =>
    [...table.rows].map((row) => [...row.cells].map((cell) => quoted(cell.textContent)).join(",")).join("\n") + "\n";
  const saveAll = {
    study: () => {
      for (const source of document.querySelectorAll("pre[data-file]"))
        give(source.dataset.file, "application/toml", source.textContent);
    },
    tables: () => {
      for (const figure of document.querySelectorAll("figure"))
        give(`${figure.id}.csv`, "text/csv", csv(figure.querySelector("table")));
    },
    figures: async () => {
      for (const button of document.querySelectorAll(".save button[value=svg]")) await save(button);
    },
  };
  const copy = async (button) => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };
  document.documentElement.dataset.script = "on";
  for (const block of document.querySelectorAll("pre")) {
    const around = document.createElement("div");
    around.className = "copied";
    block.replaceWith(around);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    around.append(block, button);
  }

  dark.addEventListener("change", () => drawAll(() => true));
  addEventListener("resize", resized);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".save button");
    if (button) save(button);
    const all = event.target.closest?.(".save-all button");
    if (all) saveAll[all.value]();
    const copied = event.target.closest?.(".copied > button");
    if (copied) copy(copied);
  });
  document.addEventListener("dblclick", (event) => {
    const touched = event.target.closest?.(".chart");
    if (touched) drawAll((box) => box === touched); // Vega's own reset leaves the zoomed axis as it is
  });
  drawAll(() => true);
})();
