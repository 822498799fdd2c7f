#!/usr/bin/env node
/**
 * The command's first file. It imports nothing before it has looked at Node's version, and is written as every Node
 * since 10 reads it: older ones than we need would end with a syntax error somewhere in the rest.
 */
{
  /** As package.json's `engines` says it. */
  const needed = '20.19';
  const [major = 0, minor = 0] = needed.split('.').map(Number);
  const [isMajor = 0, isMinor = 0] = process.version.slice(1).split('.').map(Number);
  if (isMajor < major || (isMajor === major && isMinor < minor)) {
    process.stderr.write(`valet: needs Node >= ${needed} (this is ${process.version}).\n`);
    process.exit(1);
  }
  import('./main.ts');
}
