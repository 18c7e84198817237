// The drawing area: strokes by mouse, finger, pen or keys, and their picture.

const SIDE = 280, WIDTH = 22, STEP = 8;
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  // Calls `changed()` whenever the strokes are others, and `say(text)` for those who listen to the page.
  constructor(canvas, changed, say) {
    Object.assign(this, { canvas, changed, say, strokes: [], held: new Set() });
    this.pen = { x: SIDE / 2, y: SIDE / 4, down: false, shown: false };
    const on = (name, handle) => canvas.addEventListener(name, handle);
    on("pointerdown", (event) => this.begin(event));
    on("pointermove", (event) => this.go(event));
    for (const name of ["pointerup", "pointercancel"]) on(name, (event) => this.end(event));
    on("keydown", (event) => this.press(event));
    on("keyup", (event) => this.held.delete(event.key));
    on("focus", () => this.enter());
    on("blur", () => this.leave());
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }

  clear() {
    this.strokes = [];
    this.pen.down = false;
    this.update();
  }

  begin(event) {
    if (!event.isPrimary || event.button !== 0) return;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.pen.shown = this.pen.down = false;
    this.strokes.push([this.place(event)]);
    this.update();
  }

  go(event) {
    if (event.pointerId !== this.pointer) return;
    const between = event.getCoalescedEvents?.() ?? [];
    const events = between.length ? between : [event];
    this.strokes.at(-1).push(...events.map((each) => this.place(each)));
    this.update();
  }

  end(event) {
    if (event.pointerId === this.pointer) this.pointer = undefined;
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = SIDE / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in DIRECTIONS) {
      this.held.add(event.key);
      this.move();
    } else if (event.key === " " || event.key === "Enter") {
      this.toggle();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
      this.say("cleared");
    } else {
      return;
    }
    event.preventDefault();
  }

  toggle() {
    this.pen.shown = true;
    this.pen.down = !this.pen.down;
    if (this.pen.down) this.strokes.push([[this.pen.x, this.pen.y]]);
    this.say(this.pen.down ? "pen down" : "pen up");
    this.update();
  }

  // Two arrows held together move the pen aslant.
  move() {
    this.pen.shown = true;
    for (const key of this.held) {
      const [x, y] = DIRECTIONS[key];
      const within = (value) => Math.min(Math.max(value, WIDTH / 2), SIDE - WIDTH / 2);
      this.pen.x = within(this.pen.x + STEP * x);
      this.pen.y = within(this.pen.y + STEP * y);
    }
    if (this.pen.down) this.strokes.at(-1).push([this.pen.x, this.pen.y]);
    this.update();
  }

  // Whoever comes by keys sees where the pen is.
  enter() {
    this.pen.shown = this.canvas.matches(":focus-visible");
    this.paint();
  }

  leave() {
    this.held.clear();
    this.pen.shown = this.pen.down = false;
    this.paint();
  }

  update() {
    this.paint();
    this.changed();
  }

  paint() {
    const colors = getComputedStyle(this.canvas);
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, SIDE, SIDE);
    if (this.isEmpty) this.paintHint(context, colors.getPropertyValue("--quiet"));
    this.paintStrokes(context, colors.getPropertyValue("--ink"));
    if (this.pen.shown) this.paintPen(context, colors.getPropertyValue("--below"));
  }

  paintStrokes(context, ink) {
    Object.assign(context, { strokeStyle: ink, lineWidth: WIDTH, lineCap: "round", lineJoin: "round" });
    for (const [[x, y], ...rest] of this.strokes) {
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x + 0.01, y); // a canvas does not draw a line without length: a dot
      for (const point of rest) context.lineTo(...point);
      context.stroke();
    }
  }

  paintHint(context, color) {
    Object.assign(context, { fillStyle: color, textAlign: "center", font: "16px system-ui, sans-serif" });
    context.fillText("draw a digit here", SIDE / 2, SIDE / 2);
  }

  paintPen(context, color) {
    Object.assign(context, { strokeStyle: color, fillStyle: color, lineWidth: 3 });
    context.beginPath();
    context.arc(this.pen.x, this.pen.y, WIDTH / 2, 0, 2 * Math.PI);
    if (this.pen.down) context.fill();
    context.stroke();
  }

  // White ink on black, as a PNG.
  picture() {
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    const context = canvas.getContext("2d");
    context.fillRect(0, 0, SIDE, SIDE);
    this.paintStrokes(context, "white");
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
}
