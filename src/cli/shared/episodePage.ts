import { escapeHtml } from '../../base/index.ts';

/** What a page of one episode shows. */
export interface EpisodePage {
  readonly title: string;
  readonly about: string;
  /** The sheet: a row a camera, a column a moment. */
  readonly png: Uint8Array;
  readonly cameras: readonly string[];
  readonly moments: readonly { readonly frame: number; readonly seconds: number }[];
  readonly skills: readonly { readonly frames: string; readonly skill: string }[];
}

/** A page of one file that needs nothing else. */
export function episodePage({ title, about, png, cameras, moments, skills }: EpisodePage): string {
  const cells = moments
    .map(({ frame, seconds }) => `<td><b>${seconds.toFixed(1)} s</b><br>frame ${frame}</td>`)
    .join('');
  const rows = skills
    .map(({ frames, skill }) => `<tr><td>${escapeHtml(frames)}</td><td>${escapeHtml(skill)}</td></tr>`)
    .join('\n');
  const names = cameras.map(escapeHtml).join(', ');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1200px; padding: 0 1rem; }
figure { margin: 0; overflow-x: auto; }
figure > div { min-width: 640px; }
img { display: block; width: 100%; image-rendering: pixelated; }
.times { border-collapse: collapse; table-layout: fixed; width: 100%; font-size: 13px; }
.times td { text-align: center; padding: .3rem 0; }
.skills { border-collapse: collapse; }
.skills td, .skills th { border-top: 1px solid #8884; padding: .3rem 1rem .3rem 0; text-align: left; }
</style>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(about)}</p>
<figure><div>
<img alt="${escapeHtml(title)}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}">
<table class="times"><tr>${cells}</tr></table>
</div>
<figcaption>Rows: ${names}. The strip below the pictures: stages over all frames.</figcaption></figure>
${rows && `<h2>Skills</h2>\n<table class="skills"><tr><th>frames</th><th>skill</th></tr>\n${rows}\n</table>`}
</html>
`;
}
