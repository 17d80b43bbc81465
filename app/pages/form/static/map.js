// Zooms and moves the map: by Ctrl and the wheel, pinch, keys and buttons. The page works without this script.

const MAX_ZOOM = 8;
const STEP = 1.6;
const WHEEL_SPEED = 0.01;
// Of a step of a mouse's wheel, which is longer than one of a pinch on a touchpad.
const MAX_WHEEL_DELTA = 30;
const DURATION_MS = 250;
const MOVE_PX = 60;
// A shorter movement of the pointer is a click.
const MIN_MOVE_PX = 4;
// A click or a touch this near to a circle's middle, or nearer to its edge, is on the circle.
const REACH_PX = 12;
// Closer up, circles grow less than the land, and stay apart.
const GROWTH = 0.35;
// The aspect ratios of the map on phones and on wider screens.
const NARROW = 1.5;
const WIDE = 2;

class ZoomableMap {
  constructor(box) {
    this.box = box;
    this.svg = box.querySelector("svg");
    this.scene = box.querySelector(".scene");
    this.buttons = document.querySelector(".zoom");
    const [, , width, height] = this.scene.getAttribute("viewBox").split(" ").map(Number);
    Object.assign(this, { width, height, x: 0, y: 0, zoom: 1, goal: 1, pointers: new Map() });
    this.circles = [...this.scene.querySelectorAll("a")].map((link) => {
      const { e, f } = link.transform.baseVal[0].matrix;
      return { link, x: e, y: f, radius: link.getBBox().width / 2 };
    });
    const byId = new Map(this.circles.map((circle) => [circle.link.id, circle]));
    this.labels = [...box.querySelectorAll("text")].map((text) => {
      const circle = byId.get(`at-${text.dataset.of}`);
      const isWide = box.matches(".whole") || !text.matches(".small");
      const shown = this.shown(isWide ? WIDE : NARROW);
      const at = (name, length) => (parseFloat(text.getAttribute(name)) / 100) * length;
      const x = at("x", shown.width) - shown.beside;
      const y = at("y", shown.height) - shown.above;
      return { text, circle, shown, dx: x - circle.x, dy: y - circle.y };
    });
    this.lines = [...this.scene.querySelectorAll("[data-of]")].map((line) => {
      return { line, circle: byId.get(`at-${line.dataset.of}`) };
    });
    this.listen();
    this.buttons.hidden = false;
    this.draw();
  }

  listen() {
    const { box, svg, buttons } = this;
    buttons.addEventListener("click", (event) => {
      const { zoom } = event.target.closest("[data-zoom]")?.dataset ?? {};
      if (zoom) this.glide(zoom === "all" ? 1 : this.goal * (zoom === "in" ? STEP : 1 / STEP));
    });
    box.addEventListener("keydown", (event) => this.handleKey(event));
    svg.addEventListener("wheel", (event) => this.handleWheel(event), { passive: false });
    svg.addEventListener("pointerdown", (event) => {
      this.pointers.set(event.pointerId, event);
      this.start = event;
      this.hasMoved = false;
    });
    svg.addEventListener("pointermove", (event) => this.handleMove(event));
    for (const type of ["pointerup", "pointercancel", "pointerleave"]) {
      svg.addEventListener(type, (event) => this.pointers.delete(event.pointerId));
    }
    // The end of a movement is not a click on a circle.
    svg.addEventListener("click", (event) => {
      if (this.hasMoved) event.preventDefault();
      else if (!event.target.closest("a")) this.openNearest(event);
    });
    // A touch that begins with two fingers zooms the map and not the page.
    svg.addEventListener("touchstart", (event) => {
      if (event.touches.length > 1) event.preventDefault();
    }, { passive: false });
    // A circle that has the focus, or that a row leads to, is in sight. The listener is not on the
    // SVG, which would become a tab stop of its own.
    box.addEventListener("focusin", (event) => this.reveal(event.target.closest("a")));
    addEventListener("hashchange", () => this.reveal(document.querySelector(":target")));
  }

  handleKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === "+" || event.key === "=") this.glide(this.goal * STEP);
    else if (event.key === "-") this.glide(this.goal / STEP);
    else if (event.key === "0") this.glide(1);
    else if (steps[event.key] && this.zoom > 1) {
      const [x, y] = steps[event.key].map((step) => step * MOVE_PX * this.unit());
      this.glide(this.zoom, this.x + x, this.y + y);
    } else return;
    event.preventDefault();
  }

  handleWheel(event) {
    // The wheel alone scrolls the page; browsers add Ctrl to a pinch on a touchpad.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const delta = clamp(event.deltaY, -MAX_WHEEL_DELTA, MAX_WHEEL_DELTA);
    this.zoomAt(this.zoom * Math.exp(-delta * WHEEL_SPEED), event);
  }

  handleMove(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const [other] = [...this.pointers.values()].filter((p) => p.pointerId !== event.pointerId);
    const distance = (p) => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY);
    if (other) {
      const middle = {
        clientX: (event.clientX + other.clientX) / 2,
        clientY: (event.clientY + other.clientY) / 2,
      };
      this.zoomAt(this.zoom * (distance(event) / (distance(before) || 1)), middle);
    } else if (this.zoom > 1) {
      const unit = this.unit();
      this.show(
        this.zoom,
        this.x - (event.clientX - before.clientX) * unit,
        this.y - (event.clientY - before.clientY) * unit,
      );
    } else return;
    const { clientX, clientY } = this.start;
    this.hasMoved ||= Math.hypot(event.clientX - clientX, event.clientY - clientY) > MIN_MOVE_PX;
    this.pointers.set(event.pointerId, event);
  }

  // What a map of an aspect ratio shows without zoom, in drawing units: the frame and its surroundings.
  shown(ratio) {
    const width = Math.max(this.width, this.height * ratio);
    const height = Math.max(this.height, this.width / ratio);
    return { width, height, beside: (width - this.width) / 2, above: (height - this.height) / 2 };
  }

  // What the map shows now.
  now() {
    return this.shown(this.svg.clientWidth / this.svg.clientHeight);
  }

  // Drawing units of a CSS pixel.
  unit() {
    return this.now().width / this.zoom / this.svg.clientWidth;
  }

  zoomAt(zoom, { clientX, clientY }) {
    const target = clamp(zoom, 1, MAX_ZOOM);
    const { left, top } = this.svg.getBoundingClientRect();
    const { beside, above } = this.now();
    const x = this.x - beside / this.zoom + (clientX - left) * this.unit();
    const y = this.y - above / this.zoom + (clientY - top) * this.unit();
    const share = this.zoom / target;
    cancelAnimationFrame(this.frame);
    this.goal = target;
    this.show(target, x - (x - this.x) * share, y - (y - this.y) * share);
  }

  // A circle on a phone is smaller than a finger.
  openNearest({ clientX, clientY }) {
    const { left, top } = this.svg.getBoundingClientRect();
    const x = this.x + (clientX - left) * this.unit();
    const y = this.y + (clientY - top) * this.unit();
    const reach = REACH_PX * this.unit();
    const scale = this.zoom ** (GROWTH - 1);
    let nearest = { distance: Infinity };
    for (const circle of this.circles) {
      const radius = circle.radius * scale;
      const away = Math.hypot(circle.x - x, circle.y - y);
      const distance = away - radius;
      if (away <= Math.max(reach, radius + reach / 2) && distance < nearest.distance) {
        nearest = { distance, circle };
      }
    }
    const { circle } = nearest;
    if (circle) location.assign(circle.link.getAttribute("href"));
  }

  reveal(link) {
    const circle = this.circles.find((one) => one.link === link);
    if (!circle || this.zoom === 1) return;
    const [width, height] = [this.width / this.zoom, this.height / this.zoom];
    const isSeen = circle.x > this.x && circle.x < this.x + width
      && circle.y > this.y && circle.y < this.y + height;
    if (!isSeen) this.glide(this.zoom, circle.x - width / 2, circle.y - height / 2);
  }

  glide(zoom, x, y) {
    const target = clamp(zoom, 1, MAX_ZOOM);
    this.goal = target;
    const from = { zoom: this.zoom, x: this.x, y: this.y };
    const share = this.zoom / target;
    const to = {
      x: x ?? this.x + (this.width / this.zoom) * (1 - share) / 2,
      y: y ?? this.y + (this.height / this.zoom) * (1 - share) / 2,
    };
    cancelAnimationFrame(this.frame);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.show(target, to.x, to.y);
    const start = performance.now();
    const step = (now) => {
      const part = clamp((now - start) / DURATION_MS, 0, 1);
      const eased = part * (2 - part);
      const between = (a, b) => a + (b - a) * eased;
      this.show(between(from.zoom, target), between(from.x, to.x), between(from.y, to.y));
      if (part < 1) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  show(zoom, x, y) {
    this.zoom = clamp(zoom, 1, MAX_ZOOM);
    const { beside, above } = this.now();
    const hidden = 1 - 1 / this.zoom;
    this.x = clamp(x, -beside * hidden, (this.width + beside) * hidden);
    this.y = clamp(y, -above * hidden, (this.height + above) * hidden);
    this.draw();
  }

  draw() {
    const [width, height] = [this.width / this.zoom, this.height / this.zoom];
    const scale = this.zoom ** (GROWTH - 1);
    this.scene.setAttribute("viewBox", `${this.x} ${this.y} ${width} ${height}`);
    for (const { link, x, y } of this.circles) {
      link.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    }
    for (const { text, circle, shown, dx, dy } of this.labels) {
      const x = (circle.x + dx * scale - this.x) * this.zoom + shown.beside;
      const y = (circle.y + dy * scale - this.y) * this.zoom + shown.above;
      text.setAttribute("x", `${(x / shown.width) * 100}%`);
      text.setAttribute("y", `${(y / shown.height) * 100}%`);
    }
    for (const { line, circle: { x, y } } of this.lines) {
      line.setAttribute("transform", `translate(${x} ${y}) scale(${scale}) translate(${-x} ${-y})`);
    }
    this.box.classList.toggle("moved", this.zoom > 1);
    this.buttons.querySelector("[data-zoom=in]").disabled = this.zoom >= MAX_ZOOM;
    for (const name of ["out", "all"]) {
      this.buttons.querySelector(`[data-zoom=${name}]`).disabled = this.zoom <= 1;
    }
  }
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

const box = document.querySelector("#map");
if (box) new ZoomableMap(box);
