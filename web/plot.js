// A minute of delay as a line and of loss as bars, in the page's own colours.

const SECONDS = 60;

export class Plot {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.points = [];
  }

  /** @param {number} delay ms @param {number} loss share, 0..1 */
  add(delay, loss) {
    this.points.push({ delay, loss });
    if (this.points.length > SECONDS) this.points.shift();
    this.draw();
  }

  clear() {
    this.points = [];
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * scale;
    canvas.height = canvas.clientHeight * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const colours = getComputedStyle(canvas);
    const top = Math.max(200, ...this.points.map((point) => point.delay)) * 1.3;
    const x = (index) => (index / (SECONDS - 1)) * width;
    const y = (delay) => height - (delay / top) * height;

    pen.strokeStyle = colours.getPropertyValue("--line");
    pen.fillStyle = colours.getPropertyValue("--soft");
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "right";
    pen.beginPath();
    for (const mark of [0, 100, 200]) {
      pen.moveTo(0, y(mark));
      pen.lineTo(width, y(mark));
      if (mark) pen.fillText(`${mark} ms`, width - 2, y(mark) - 3);
    }
    pen.stroke();

    pen.fillStyle = colours.getPropertyValue("--loss");
    this.points.forEach((point, index) => {
      const bar = Math.min(point.loss * 4, 1) * height;
      pen.fillRect(x(index) - 1, height - bar, 3, bar);
    });

    pen.strokeStyle = colours.getPropertyValue("--accent");
    pen.lineWidth = 2;
    pen.beginPath();
    this.points.forEach((point, index) => pen.lineTo(x(index), y(point.delay)));
    pen.stroke();
  }
}
