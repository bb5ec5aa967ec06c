// A curve as SVG: points over a logarithmic axis, values from 0 up.

const [WIDTH, HEIGHT] = [640, 300];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 24, 36, 44];

const short = (value) => (value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : String(value));

/** A round number at or above a value, in steps that people count in. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((end) => end >= value);
}

/** `points`: pairs of a positive x and a y. */
export function curve(title, xName, points) {
  const xs = points.map(([x]) => Math.log10(x));
  const [low, high] = [Math.floor(Math.min(...xs)), Math.max(Math.floor(Math.min(...xs)) + 1, Math.ceil(Math.max(...xs)))];
  const top = roundUp(Math.max(...points.map(([, y]) => y), 1e-6));
  const x = (value) => LEFT + ((Math.log10(value) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const at = (value) => value.toFixed(1);
  const parts = [];
  for (let power = low; power <= high; power++) {
    const place = at(x(10 ** power));
    parts.push(`<line x1="${place}" y1="${TOP}" x2="${place}" y2="${HEIGHT - BOTTOM}" stroke="#ddd"/>`);
    parts.push(`<text x="${place}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${short(10 ** power)}</text>`);
  }
  for (let step = 0; step <= 4; step++) {
    const value = (top * step) / 4;
    parts.push(`<line x1="${LEFT}" y1="${at(y(value))}" x2="${WIDTH - RIGHT}" y2="${at(y(value))}" stroke="#ddd"/>`);
    parts.push(`<text x="${LEFT - 8}" y="${at(y(value) + 4)}" text-anchor="end">${Number(value.toPrecision(3))}</text>`);
  }
  parts.push(
    `<polyline fill="none" stroke="#1f6feb" stroke-width="2" points="${points.map(([a, b]) => `${at(x(a))},${at(y(b))}`).join(' ')}"/>`,
  );
  for (const [a, b] of points) {
    parts.push(`<circle cx="${at(x(a))}" cy="${at(y(b))}" r="3.5" fill="#1f6feb"/>`);
    parts.push(`<text x="${at(x(a))}" y="${at(y(b) - 9)}" text-anchor="middle" fill="#1f6feb">${b}</text>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="20" font-size="14">${title}</text>
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${xName}</text>
${parts.join('\n')}
</svg>
`;
}
