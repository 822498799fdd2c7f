import { spawn } from 'node:child_process';

/**
 * Runs a module's text in a process of its own, which is killed without a word as soon as `when` holds.
 * @returns whether it was killed
 * @throws Error with what it said, when it failed
 */
export function killedWhen(code: string, when: () => Promise<boolean>): Promise<boolean> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code]);
  let stderr = '';
  child.stdout.resume();
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const look = setInterval(() => void when().then((holds) => holds && child.kill('SIGKILL')), 2);
  return new Promise((resolve, reject) => {
    child.on('close', (status, signal) => {
      clearInterval(look);
      if (status !== null && status !== 0) reject(new Error(stderr));
      else resolve(signal === 'SIGKILL');
    });
  });
}
