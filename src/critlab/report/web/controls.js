"use strict";
// What a reader can set: filters of all charts of a study, sliders, the order and the choice of rows; and copying.
(() => {
  const checked = (boxes) => boxes.filter((one) => one.checked).map((one) => one.value);

  // one set of filters for all charts of a study
  for (const filters of document.querySelectorAll(".filters")) {
    const study = filters.closest("article");
    const boxes = [...filters.querySelectorAll("input[type=checkbox]")];
    const of = (kind) => boxes.filter((one) => one.name === kind);
    const said = filters.querySelector("[data-said]");
    const whole = said.textContent;
    const apply = (touched) => {
      const hidden = (kind) => of(kind).filter((one) => !one.checked).map((one) => one.value);
      const arms = hidden("arms");
      const points = hidden("points");
      for (const chart of page.charts.filter((one) => study.contains(one))) {
        page.set(chart, "hidden_arms", arms);
        page.set(chart, "hidden_points", points);
        if (touched === "seeds") page.set(chart, "shown_seeds", checked(of("seeds")).map(Number));
      }
      for (const part of study.querySelectorAll("[data-at], [data-arm]"))
        part.hidden = points.includes(part.dataset.at) || arms.includes(part.dataset.arm);
      for (const row of study.querySelectorAll("[data-seed]"))
        row.hidden ||= of("seeds").length > 0 && !checked(of("seeds")).includes(row.dataset.seed);
      const parts = ["arms", "points", "seeds"].filter((kind) => hidden(kind).length);
      const some = parts.map((kind) => `${checked(of(kind)).length} of ${of(kind).length} ${said.dataset[kind]}`);
      said.textContent = parts.length ? `: ${some.join(", ")}` : whole;
      filters.classList.toggle("filtered", parts.length > 0);
      page.redraw(); // panels beside a hidden one are wider
    };
    filters.addEventListener("change", (event) => apply(event.target.name));
    filters.addEventListener("click", (event) => {
      if (event.target.value === "reset") {
        for (const one of boxes) one.checked = true;
        apply("seeds");
      }
    });
  }

  // a slider sets a parameter of all charts of its figure, to one of its values
  for (const slider of document.querySelectorAll(".slider input")) {
    const values = JSON.parse(slider.dataset.values);
    const figure = slider.closest("figure");
    const show = () => {
      const value = values[Number(slider.value)];
      slider.nextElementSibling.textContent = value;
      slider.setAttribute("aria-valuetext", value);
      for (const chart of figure.querySelectorAll(".chart")) page.set(chart, slider.name, value);
    };
    slider.addEventListener("input", show);
    slider.nextElementSibling.textContent = values[Number(slider.value)];
    slider.setAttribute("aria-valuetext", values[Number(slider.value)]);
    // the pointer on a chart moves the slider to the nearest value
    const drag = (event) => {
      const chart = event.target.closest?.(".chart[data-drag]");
      const view = chart && figure.contains(chart) && page.views.get(chart)?.view;
      if (!view || !(event.buttons & 1)) return;
      const places = JSON.parse(chart.dataset.drag);
      const x = view.scale("x").invert(event.clientX - chart.getBoundingClientRect().left - view.origin()[0]);
      const nearest = places.reduce((best, at, i) => (Math.abs(at - x) < Math.abs(places[best] - x) ? i : best), 0);
      if (Number(slider.value) !== nearest) {
        slider.value = String(nearest);
        show();
      }
    };
    figure.addEventListener("pointerdown", drag);
    figure.addEventListener("pointermove", drag);
  }

  // a click on a column's name sorts the rows by it, a second one the other way round
  const number = (text) => Number(text.replace("\u2212", "-").replace(/[,\s].*$/, ""));
  for (const table of document.querySelectorAll("table.sorted")) {
    const body = table.tBodies[0];
    for (const [place, head] of [...table.tHead.rows[0].cells].entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const key = (row) => row.cells[place].dataset.key ?? row.cells[place].textContent;
        const compare = (a, b) => {
          const [x, y] = [number(a), number(b)];
          return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, undefined, { numeric: true }) : x - y;
        };
        body.append(...[...body.rows].sort((a, b) => (up ? 1 : -1) * compare(key(a), key(b))));
      });
    }
  }

  // rows that hold every word of the search field
  for (const field of document.querySelectorAll("input[data-search]")) {
    const rows = [...document.getElementById(field.dataset.search).tBodies[0].rows];
    const count = field.parentElement.nextElementSibling;
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows)
        row.classList.toggle("unfit", !words.every((word) => row.textContent.toLowerCase().includes(word)));
      const left = rows.filter((row) => !row.classList.contains("unfit")).length;
      count.textContent = words.length ? `${left} of ${rows.length} rows` : "";
    });
  }

  const copy = async (button) => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };
  for (const block of document.querySelectorAll("pre")) {
    const around = document.createElement("div");
    around.className = "copied";
    block.replaceWith(around);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", () => copy(button));
    around.append(block, button);
  }

  // what stays visible below the header: its height differs with the width
  const bar = document.querySelector(".bar");
  const measure = () => document.documentElement.style.setProperty("--bar", `${bar.offsetHeight}px`);
  addEventListener("resize", measure);
  measure();
  for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", () => page.redraw());
})();
