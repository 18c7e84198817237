// What is drawn of a network: its layers, its answer, its curves, its errors, its weights.

const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// "18 67 109" as numbers, for pixels.
const channels = (name) => color(name).split(" ").map(Number);

const short = (value) => Number(value.toPrecision(3)).toString().replace("-", "−");
const percent = (share) => `${(100 * share).toFixed(1)} %`;

// ---- the answer ------------------------------------------------------------------------------

// Gives back the answer in words.
export function showAnswer(says, bars, probabilities) {
  const best = probabilities.indexOf(Math.max(...probabilities));
  probabilities.forEach((share, digit) => {
    const row = bars.children[digit];
    row.classList.toggle("first", digit === best);
    row.querySelector("i").style.width = `${100 * share}%`;
    row.querySelector(".share").textContent = percent(share);
  });
  const sure = `${percent(probabilities[best])} sure`;
  says.replaceChildren(make("b", { textContent: best }), ` ${sure}`);
  return `${best}, ${sure}`;
}

const emptyBar = (digit) =>
  make("li", {}, `${digit}`,
    make("span", { className: "bar" }, make("i")),
    make("span", { className: "share" }));

export function showNoAnswer(says, bars, layers) {
  says.replaceChildren(make("b", { className: "none", textContent: "?" }));
  bars.replaceChildren(...[...Array(10).keys()].map(emptyBar));
  layers.replaceChildren(make("p", {
    className: "quiet", textContent: "Every value of every layer shows here once you draw.",
  }));
}

// ---- the layers ------------------------------------------------------------------------------

const LOOKS_LIKE_THE_IMAGE = ["normalize_images", "flatten"];

export function showLayers(place, image, layers) {
  const nameOf = (layer) => layer.path.split("/").at(-1);
  const shown = layers.filter((layer) => !LOOKS_LIKE_THE_IMAGE.includes(nameOf(layer)));
  const paths = ["image", ...shown.map((layer) => `${layer.path} ${layer.values.length}`)].join();
  if (place.dataset.paths !== paths || !place.querySelector("canvas")) {
    place.dataset.paths = paths;
    place.replaceChildren(imageRow(), ...shown.map((layer) => layerRow(nameOf(layer), layer)));
  }
  paintImage(place.querySelector(".image"), image);
  shown.forEach((layer, i) => paintLayer(place.children[i + 1], layer.values));
}

const imageRow = () =>
  make("div", { className: "layer" },
    make("p", {}, "image, centred as MNIST’s", make("output", { textContent: "28 × 28" })),
    make("canvas", { className: "image", width: 28, height: 28, role: "img",
      ariaLabel: "The drawing as the network is given it" }));

function layerRow(name, layer) {
  const canvas = make("canvas", { role: "img" });
  const output = make("output");
  const row = make("div", { className: "layer" },
    make("p", {}, `${name.replaceAll("_", " ")}, ${layer.values.length}`, output), canvas);
  canvas.addEventListener("pointermove", (event) => {
    row.dataset.pointed = cellAt(canvas, event);
    describe(row);
  });
  canvas.addEventListener("pointerleave", () => {
    delete row.dataset.pointed;
    describe(row);
  });
  return row;
}

function cellAt(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const columns = Number(canvas.dataset.columns), side = box.width / columns;
  return Math.floor((event.clientY - box.top) / side) * columns + Math.floor((event.clientX - box.left) / side);
}

function paintLayer(row, values) {
  const canvas = row.querySelector("canvas");
  const wide = canvas.clientWidth > 420 && values.length > 32 ? 2 : 1;
  const columns = (values.length > 256 ? 64 : 32) * wide;
  const rows = Math.ceil(values.length / columns);
  const side = Math.max(4, Math.round((canvas.clientWidth * devicePixelRatio) / columns));
  canvas.dataset.columns = columns;
  Object.assign(canvas, { width: columns * side, height: rows * side });
  const context = canvas.getContext("2d");
  const largest = Math.max(...values.map(Math.abs), 1e-30);
  const [zero, above, below] = [color("--zero"), color("--above"), color("--below")];
  const gap = Math.max(1, Math.round(side / 9));
  values.forEach((value, i) => {
    const cell = [(i % columns) * side, Math.floor(i / columns) * side, side - gap, side - gap];
    context.globalAlpha = 1;
    context.fillStyle = zero;
    context.fillRect(...cell);
    context.globalAlpha = Math.abs(value) / largest;
    context.fillStyle = value > 0 ? above : below;
    context.fillRect(...cell);
  });
  row.values = values;
  describe(row);
}

// What stands at the right of a layer's name: the value pointed at, or how many are active.
function describe(row) {
  const values = row.values, pointed = Number(row.dataset.pointed ?? -1);
  const active = values.filter((value) => value !== 0).length;
  const range = `${short(Math.min(...values))} to ${short(Math.max(...values))}`;
  const all = active < values.length ? `${range}, ${active} active` : range;
  row.querySelector("output").textContent =
    pointed in values ? `neuron ${pointed}: ${short(values[pointed])}` : all;
  row.querySelector("canvas").ariaLabel = `Values ${all}`;
}

function paintImage(canvas, image) {
  const context = canvas.getContext("2d");
  context.globalAlpha = 1;
  context.fillStyle = color("--paper");
  context.fillRect(0, 0, 28, 28);
  context.fillStyle = color("--ink");
  image.forEach((value, i) => {
    context.globalAlpha = value / 255;
    context.fillRect(i % 28, Math.floor(i / 28), 1, 1);
  });
}

// ---- the curves ------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
const draw = (name, attributes, text = "") => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
};

// Lines over epochs on a logarithmic scale: `lines` is a list of {name, points: [[epoch, value]]}.
export function showCurves(svg, lines, epochs, ticks, label) {
  const { clientWidth: width, clientHeight: height } = svg;
  const [left, bottom, top, right] = [44, 22, 8, 10];
  const values = lines.flatMap((line) => line.points.map(([, value]) => value));
  const [low, high] = bounds(values, ticks);
  const x = (epoch) => left + (epoch / epochs) * (width - left - right);
  const y = (value) => {
    const share = Math.log(Math.max(value, low) / low) / Math.log(high / low);
    return height - bottom - share * (height - bottom - top);
  };
  const parts = ticks.filter((tick) => tick >= low && tick <= high).flatMap((tick) => [
    draw("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }),
    draw("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, label(tick)),
  ]);
  const every = Math.ceil(epochs / 6);
  for (let epoch = 0; epoch <= epochs; epoch += every) {
    const text = epoch ? `${epoch}` : "epoch 0";
    parts.push(draw("text", { x: x(epoch), y: height - 4, "text-anchor": "middle" }, text));
  }
  for (const { name, points } of lines) {
    const path = points.map(([epoch, value], i) => `${i ? "L" : "M"}${x(epoch)} ${y(value)}`);
    if (points.length) parts.push(draw("path", { class: name, d: path.join(" ") }));
  }
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(...parts);
}

// The ticks just below the smallest and just above the largest value.
function bounds(values, ticks) {
  const low = ticks.findLast((tick) => tick <= Math.min(...values)) ?? ticks[0];
  const high = ticks.find((tick) => tick >= Math.max(...values)) ?? Math.max(...values);
  return low < high ? [low, high] : [low, 10 * low];
}

// ---- the errors ------------------------------------------------------------------------------

export function showConfusion(table, note, matrix) {
  if (!table.rows.length) buildConfusion(table, matrix.length);
  const images = matrix.flat().reduce((sum, count) => sum + count).toLocaleString("en");
  note.textContent = `Rows: what ${images} test images show. Columns: what the network says.`;
  matrix.forEach((row, label) => {
    const total = Math.max(1, row.reduce((sum, count) => sum + count));
    row.forEach((count, answer) => {
      const cell = table.rows[label + 1].cells[answer + 1];
      const share = Math.sqrt(count / total), error = label !== answer;
      const strength = Math.round(100 * (error ? Math.min(1, 1.6 * share) : share));
      cell.textContent = count || "";
      cell.style.background = count
        ? `color-mix(in srgb, var(${error ? "--below" : "--above"}) ${strength}%, var(--zero))` : "";
      cell.classList.toggle("error", error);
      cell.classList.toggle("strong", strength > 55);
    });
  });
}

function buildConfusion(table, classes) {
  const head = (scope, text) => make("th", { scope, textContent: text });
  const digits = [...Array(classes).keys()];
  table.append(
    make("thead", {}, make("tr", {}, make("td"), ...digits.map((digit) => head("col", digit)))),
    make("tbody", {}, ...digits.map((digit) =>
      make("tr", {}, head("row", digit), ...digits.map(() => make("td"))))));
  table.rows[0].cells[0].style.background = "none";
}

// ---- the weights -----------------------------------------------------------------------------

export function showFilters(canvas, filters) {
  const columns = 8, rows = Math.ceil(filters.length / columns);
  Object.assign(canvas, { width: columns * 30 - 2, height: rows * 30 - 2 });
  const context = canvas.getContext("2d");
  const colors = [channels("--above-rgb"), channels("--below-rgb")];
  filters.forEach((text, i) => {
    const image = context.createImageData(28, 28);
    const bytes = atob(text);
    for (let pixel = 0; pixel < bytes.length; pixel++) {
      const weight = (bytes.charCodeAt(pixel) << 24) >> 24; // a signed byte
      image.data.set([...colors[weight > 0 ? 0 : 1], Math.min(255, Math.abs(weight) * 2.5)], 4 * pixel);
    }
    context.putImageData(image, (i % columns) * 30, Math.floor(i / columns) * 30);
  });
}
