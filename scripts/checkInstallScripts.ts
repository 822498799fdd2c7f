import type { Finding, Source } from './sources.ts';

/**
 * Packages of a lock file (version 3) that are said to have an install script. npm runs the scripts of those alone, so
 * a line that is deleted is a script that does not run; npm does not write it again.
 */
export function installScripts({ path, text }: Source): Finding[] {
  const lines = text.split('\n');
  const { packages } = JSON.parse(text) as { packages: Record<string, { hasInstallScript?: boolean }> };
  return Object.entries(packages).flatMap(([place, { hasInstallScript }]) =>
    hasInstallScript
      ? [
          {
            path,
            line: lines.indexOf(`    ${JSON.stringify(place)}: {`) + 1,
            text: `${place} has an install script. Does it work without? Then delete its line "hasInstallScript".`,
          },
        ]
      : [],
  );
}
