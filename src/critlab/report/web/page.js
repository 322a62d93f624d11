"use strict";
// Draws every chart of the page, again when the reader's theme or the width changes, and saves them.
const page = (() => {
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const charts = [...document.querySelectorAll(".chart")];
  const views = new Map();
  const chosen = new WeakMap(); // the parameters that a reader has set, by chart
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
    const { letters, apart: beside, direct } = spec.usermeta;
    const columns = Math.max(1, Math.floor((box.clientWidth - 6.2 * beside) / (letters * 6.2 + 34)));
    config.legend = { ...config.legend, orient: "bottom", direction: "horizontal", columns };
    if (direct && box.clientWidth >= direct.least) spec.layer = direct.layer;
    const values = chosen.get(box) ?? {};
    spec.params = spec.params?.map((one) => (one.name in values ? { ...one, value: values[one.name] } : one));
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
    if (!box.clientWidth) return; // in a part that is closed or hidden; it is drawn when it is shown
    views.get(box)?.finalize();
    const spec = specOf(box);
    // ast: the expression interpreter, so that the page needs no permission to evaluate code
    const options = { renderer: "svg", actions: false, ast: true, tooltip: { theme: "page" } };
    const drawn = await vegaEmbed(box, spec, options);
    views.set(box, drawn);
    box.dataset.theme = themeName();
    box.dataset.width = String(box.clientWidth);
    // the figure is described in words; its hundreds of marks would be read out one by one
    box.querySelector("svg")?.setAttribute("aria-hidden", "true");
    link(box, drawn.view);
  };

  // charts of one study with the same horizontal axis are moved and zoomed together
  let following = false;
  const link = (box, view) => {
    const field = ["epoch", "x"].find((name) => has(view, `zoom_${name}`));
    if (!field) return;
    const signal = `zoom_${field}`;
    view.addSignalListener(signal, (name, value) => {
      if (following) return;
      following = true;
      const others = [...views].filter(([other]) => other !== box && other.closest("article") === box.closest("article"));
      Promise.all(
        others.filter(([, { view: one }]) => has(one, signal)).map(([, { view: one }]) => one.signal(signal, value).runAsync()),
      ).finally(() => (following = false));
    });
  };
  const has = (view, signal) => {
    try {
      view.signal(signal);
      return true;
    } catch {
      return false;
    }
  };

  // sets a parameter of a chart, now and whenever it is drawn again
  const set = (box, name, value) => {
    chosen.set(box, { ...chosen.get(box), [name]: value });
    const drawn = views.get(box);
    if (drawn && has(drawn.view, name)) {
      drawn.view.logLevel(0); // a chart of which all is hidden has no range, as it should
      return drawn.view.signal(name, value).runAsync();
    }
  };

  let queue = load();
  const drawAll = (which) => {
    queue = queue.then(async () => {
      for (const box of charts.filter(which)) await draw(box);
      document.documentElement.dataset.drawn = themeName();
    });
    return queue;
  };
  const isStale = (box) => box.dataset.width !== String(box.clientWidth) || box.dataset.theme !== themeName();

  let waiting = 0;
  const resized = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawAll(isStale), 200);
  };

  const give = (name, link) => {
    const anchor = document.createElement("a");
    anchor.href = link;
    anchor.download = name;
    anchor.click();
  };
  const giveText = (name, kind, text) => {
    const link = URL.createObjectURL(new Blob([text], { type: kind }));
    give(name, link);
    URL.revokeObjectURL(link);
  };
  const save = async (button) => {
    for (const box of button.closest("figure").querySelectorAll(".chart")) {
      const drawn = views.get(box);
      if (drawn) give(`${box.dataset.name}.${button.value}`, await drawn.view.toImageURL(button.value, 2));
    }
  };

  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const csv = (table) =>
    [...table.rows].map((row) => [...row.cells].map((cell) => quoted(cell.textContent)).join(",")).join("\n") + "\n";
  const saveAll = {
    study: () => {
      for (const source of document.querySelectorAll("pre[data-file]"))
        giveText(source.dataset.file, "application/toml", source.textContent);
    },
    tables: () => {
      for (const figure of document.querySelectorAll("figure:has(table)"))
        giveText(`${figure.id}.csv`, "text/csv", csv(figure.querySelector("table")));
    },
    figures: async () => {
      for (const button of document.querySelectorAll(".save button[value=svg]")) await save(button);
    },
  };

  dark.addEventListener("change", () => drawAll(() => true));
  addEventListener("resize", resized);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".save button");
    if (button) save(button);
    const all = event.target.closest?.(".save-all button");
    if (all) saveAll[all.value]();
  });
  document.addEventListener("dblclick", (event) => {
    const touched = event.target.closest?.(".chart");
    if (!touched) return;
    // Vega's own reset leaves the zoomed axis as it is
    const together = views.get(touched) && ["zoom_epoch", "zoom_x"].find((name) => has(views.get(touched).view, name));
    drawAll(
      (box) =>
        box === touched ||
        (together && box.closest("article") === touched.closest("article") && views.get(box) && has(views.get(box).view, together)),
    );
  });
  document.documentElement.dataset.script = "on";
  drawAll(() => true);
  return { charts, views, set, redraw: () => drawAll(isStale) };
})();
