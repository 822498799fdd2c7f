import type { AuditResult } from './auditTables.ts';

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [640, 240, 36, 34, 12, 20];

/** q against the amount of data, on a logarithmic axis; nothing for fewer than two amounts. */
export function sourceCurve(sources: AuditResult['sources']): string {
  const points = sources.flatMap(({ amount, summary }) =>
    amount === null || amount <= 0 ? [] : [{ amount, ...summary.q }],
  );
  const logs = points.map(({ amount }) => Math.log(amount));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  if (!(high > low)) return '';
  const x = (amount: number) => LEFT + ((Math.log(amount) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const y = (q: number) => HEIGHT - BOTTOM - q * (HEIGHT - BOTTOM - TOP);
  const grid = [0, 0.25, 0.5, 0.75, 1]
    .map(
      (q) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(q)}" y2="${y(q)}" stroke="var(--line)"/><text x="0" y="${y(q) + 4}">${q}</text>`,
    )
    .join('');
  const marks = points
    .map(({ amount, mean, low: from, high: to }) => {
      const at = x(amount).toFixed(1);
      return (
        `<line x1="${at}" x2="${at}" y1="${y(from)}" y2="${y(to)}" stroke="var(--accent)" stroke-opacity=".45" stroke-width="5"/>` +
        `<circle cx="${at}" cy="${y(mean)}" r="5" fill="var(--accent)"/>` +
        `<text x="${at}" y="${HEIGHT - 12}" text-anchor="middle">${amount.toLocaleString('en')}</text>`
      );
    })
    .join('');
  return `<svg class="curve" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="mean q against the amount of data">${grid}${marks}</svg>`;
}
