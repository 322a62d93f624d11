"use strict";
// The reduced dynamics of two pathways, and the page around them.
const critlab = (() => {
  const kind = document.documentElement.dataset.kind;
  const phase = kind === "phase";
  const strengths = phase ? [10] : [Math.sqrt(15), Math.sqrt(7), Math.sqrt(3), 1];
  const step = phase ? 0.001 : 0.01;
  // name, label, least, most, grain, value; a "log" slider holds the decimal logarithm
  const sliders = [
    ["depth", "Depth D", 2, phase ? 13 : 8, 1, phase ? 5 : 4],
    ["start", "Window starts at update", 0, 1000, 1, 0],
    ["length", "Window length", 0, 500, 1, phase ? 15 : 150],
    ["scale", phase ? "Initial scale of p" : "Initial strength K", -4, phase ? 0 : -1, 0.05, -2, "log"],
    ["invariant", "Imbalance c", 0, 2, 0.05, phase ? 1 : 0],
    ["ratio", "Start of b relative to a", phase ? -1 : 0, 2, 0.01, 1],
    ["steps", "Updates shown", 100, 10000, 100, 1000],
  ];
  const conventions = { before: "starting from these states", producing: "leading to these states" };
  const form = document.getElementById("controls");
  let shown = null;

  // by namedItem: form.elements.length is their number, not the slider of that name
  const control = (name) => form.elements.namedItem(name);

  const gain = (p, depth, c) => Math.pow(p * p + c, (depth - 1) / 2);

  // K = p (p^2 + c)^((D-1)/2) is convex above 0: Newton from above
  function oddLayer(strength, depth, c) {
    let p = Math.pow(strength, 1 / depth);
    if (c > 0) p = Math.min(p, strength / Math.pow(c, (depth - 1) / 2));
    for (let turn = 0; turn < 100 && p > 0; turn++) {
      const slope = Math.pow(p * p + c, (depth - 3) / 2) * (depth * p * p + c);
      const change = (p * gain(p, depth, c) - strength) / slope;
      p = Math.max(p - change, 0);
      if (Math.abs(change) <= 1e-15 * p) break;
    }
    return p;
  }

  function pathwayFlow(given) {
    const { depth, invariant: c, gate } = given;
    const shift = given.convention === "producing" ? 1 : 0;
    const pa = given.start_a.slice(), pb = given.start_b.slice(), a = [], b = [];
    for (let state = 0; state < given.steps; state++) {
      const ga = pa.map((p) => gain(p, depth, c)), gb = pb.map((p) => gain(p, depth, c));
      const ka = pa.map((p, i) => p * ga[i]), kb = pb.map((p, i) => p * gb[i]);
      a.push(ka);
      b.push(kb);
      const blocked = state >= gate.start - shift && state < gate.stop - shift;
      given.strengths.forEach((strength, i) => {
        const residual = given.step * (strength - ka[i] - kb[i]);
        pa[i] += ga[i] * residual;
        if (!blocked) pb[i] += gb[i] * residual;
      });
    }
    return { a, b };
  }

  function settings() {
    const read = Object.fromEntries(sliders.map(([name]) => [name, Number(control(name).value)]));
    const { depth, invariant, start, steps } = read;
    // p of a balanced network is not negative
    const ratio = invariant > 0 ? read.ratio : Math.max(0, read.ratio), scale = Math.pow(10, read.scale);
    const p = strengths.map(() => (phase ? scale : oddLayer(scale, depth, invariant)));
    return {
      strengths, depth, invariant, step, steps: steps + 1, start_a: p, start_b: p.map((one) => ratio * one),
      gate: { pathway: "b", start, stop: start + read.length }, convention: control("convention").value,
    };
  }

  function build() {
    for (const [name, label, least, most, grain, value] of sliders) {
      form.insertAdjacentHTML("beforeend", `<label>${label}<output id="${name}-value"></output>
        <input type="range" name="${name}" min="${least}" max="${most}" step="${grain}" value="${value}"></label>`);
    }
    const options = Object.entries(conventions).map(([name, text]) => `<option value="${name}">${text}</option>`);
    form.insertAdjacentHTML("beforeend", `<label>Blocked updates are those<select name="convention">
      ${options.join("")}</select></label>`);
    control("convention").value = phase ? "producing" : "before";
    form.addEventListener("input", update);
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  function update() {
    const given = settings();
    shown = { given, found: pathwayFlow(given) };
    for (const [name, , , , , , log] of sliders) {
      const value = Number(control(name).value);
      document.getElementById(`${name}-value`).textContent = log ? Math.pow(10, value).toPrecision(2) : value;
    }
    const finite = shown.found.a.at(-1).concat(shown.found.b.at(-1)).every(Number.isFinite);
    const summary = document.getElementById("summary"), plots = document.getElementById("plots");
    summary.textContent = finite ? told(given, shown.found)
      : `The steps of ${step} are too long for these settings: the trajectory diverges. Choose a smaller c or depth.`;
    plots.innerHTML = finite ? (phase ? plane(given, shown.found) : "") + overTime(given, shown.found) : "";
  }

  function told(given, { a, b }) {
    const ends = given.strengths.map((s, i) => `${a.at(-1)[i].toFixed(3)} and ${b.at(-1)[i].toFixed(3)}`);
    const at = Math.min(given.gate.start, given.steps - 1);
    const learned = given.strengths.map((s, i) => `${Math.round((100 * (a[at][i] + b[at][i])) / s)} %`);
    return `At the end a and b hold ${ends.join("; ")}. When the window begins, ${learned.join(", ")} of the task is `
      + "learned: a window is late where that is about 100 %.";
  }

  const W = 420, H = 320, LEFT = 56, TOP = 10, RIGHT = W - 30, BOTTOM = H - 36;

  function line(points, name) {
    const stride = Math.max(1, Math.floor(points.length / 1500));
    const kept = points.filter((_, i) => i % stride === 0 || i === points.length - 1);
    return `<polyline class="curve ${name}" points="${kept.map((p) => p.map((v) => v.toFixed(2)).join()).join(" ")}"/>`;
  }

  // round numbers from 0 to most, three to seven of them
  function ticks(most) {
    const ten = Math.pow(10, Math.floor(Math.log10(most)));
    const grain = [0.2, 0.25, 0.5, 1, 2].map((part) => part * ten).find((part) => most / part <= 6);
    return Array.from({ length: Math.floor(most / grain + 1e-9) + 1 }, (_, i) => Number((i * grain).toPrecision(3)));
  }

  function axes(x, y, most, titleX, titleY) {
    const marks = ticks(most.x).map((value) =>
      `<text x="${x(value)}" y="${BOTTOM + 15}" text-anchor="middle">${value}</text>`);
    marks.push(...ticks(most.y).map((value) =>
      `<text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${value}</text>`));
    return `<path class="axis" d="M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}"/>${marks.join("")}
      <text x="${(LEFT + RIGHT) / 2}" y="${H - 4}" text-anchor="middle">${titleX}</text>
      <text x="12" y="${(TOP + BOTTOM) / 2}" text-anchor="middle"
        transform="rotate(-90 12 ${(TOP + BOTTOM) / 2})">${titleY}</text>`;
  }

  const scaled = (from, to, low, high) => (value) => low + ((value - from) / (to - from)) * (high - low);

  function drawing(title, inside) {
    return `<figure><figcaption>${title}</figcaption><svg viewBox="0 0 ${W} ${H}" role="img" aria-label="${title}">
      ${inside}</svg></figure>`;
  }

  function plane(given, { a, b }) {
    const s = given.strengths[0], most = { x: 1.2 * s, y: 1.2 * s };
    const x = scaled(0, most.x, LEFT, RIGHT), y = scaled(0, most.y, BOTTOM, TOP);
    const path = a.map((ka, t) => [x(ka[0]), y(b[t][0])]);
    // update u leads from state u to state u + 1
    const shift = given.convention === "producing" ? 1 : 0;
    const blocked = path.slice(Math.max(0, given.gate.start - shift), Math.max(0, given.gate.stop - shift) + 1);
    const end = path.at(-1);
    return drawing("The plane of both pathways", axes(x, y, most, "Strength of a", "Strength of b")
      + `<path class="field" d="${field(given, x, y, most)}"/>`
      + `<path class="goal" d="M${x(0)} ${y(s)}L${x(s)} ${y(0)}"/>`
      + `<text x="${x(0.08 * s)}" y="${y(1.02 * s)}">K_a + K_b = S</text>`
      + (blocked.length > 1 ? line(blocked, "blocked") : "") + line(path, "path")
      + `<circle class="end" cx="${end[0]}" cy="${end[1]}" r="5"/>`);
  }

  function field(given, x, y, most) {
    const speed = (k) => {
      const p = oddLayer(k, given.depth, given.invariant), square = p * p + given.invariant;
      return Math.pow(square, given.depth - 1) + (given.depth - 1) * p * p * Math.pow(square, given.depth - 2);
    };
    const marks = [];
    for (let i = 0; i <= 12; i++) {
      for (let j = 0; j <= 12; j++) {
        const ka = (i / 12) * most.x, kb = (j / 12) * most.y, residual = given.strengths[0] - ka - kb;
        const u = speed(ka) * residual, v = speed(kb) * residual, size = Math.hypot(u, v);
        if (!(size > 0)) continue;
        const px = x(ka), py = y(kb), du = (9 * u) / size, dv = (-9 * v) / size;
        const head = [px + du, py + dv], wing = (side) =>
          `${head[0] - 0.4 * du + side * 0.25 * dv} ${head[1] - 0.4 * dv - side * 0.25 * du}`;
        marks.push(`M${px} ${py}L${head.join(" ")}M${wing(1)}L${head.join(" ")}L${wing(-1)}`);
      }
    }
    return marks.join("");
  }

  function overTime(given, { a, b }) {
    const last = given.steps - 1, most = { x: last, y: 1.05 * Math.max(...given.strengths) };
    const x = scaled(0, most.x, LEFT, RIGHT), y = scaled(0, most.y, BOTTOM, TOP);
    const from = x(Math.min(last, given.gate.start)), to = x(Math.min(last, given.gate.stop));
    const curves = given.strengths.map((s, i) => `<path class="goal" d="M${LEFT} ${y(s)}H${RIGHT}"/>`
      + line(a.map((k, t) => [x(t), y(k[i])]), "a") + line(b.map((k, t) => [x(t), y(k[i])]), "b"));
    const names = ["a", "b"].map((name, i) =>
      `<text class="${name}" x="${RIGHT + 5}" y="${y((i ? b : a).at(-1)[0]) + (i ? -4 : 14)}">${name}</text>`);
    return drawing("Strengths over updates (a solid, b dashed; thin: the task)",
      `<rect class="window" x="${from}" y="${TOP}" width="${Math.max(0, to - from)}" height="${BOTTOM - TOP}"/>`
      + axes(x, y, most, "Update", "Strength K") + curves.join("") + names.join(""));
  }

  build();
  update();
  return { settings: () => shown.given, trajectory: () => shown.found };
})();
