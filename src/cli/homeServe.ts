import { once } from 'node:events';
import { Command } from 'commander';
import { serveGym } from '../home/index.ts';
import { positive, whole } from './shared/numbers.ts';

export function homeServe(): Command {
  return new Command('serve')
    .description("the household for other people's policies: reset, step and render over a loopback socket (Gymnasium)")
    .option('--port <n>', 'port of 127.0.0.1; 0 takes a free one', whole, 8123)
    .option('--environments <n>', 'connections at the same time, one environment each', positive, 64)
    .addHelpText(
      'after',
      '\nExample:\n  $ valet home serve --port 0\n\nPrints one line {"listening": ["tcp://127.0.0.1:PORT"]}. ' +
        'interop/gym/valet_gym.py is the client for Python (docs/gymnasium.md).',
    )
    .action(async ({ port, environments }: { port: number; environments: number }) => {
      const server = await serveGym({ port, most: environments });
      process.stdout.write(`${JSON.stringify({ listening: [`tcp://127.0.0.1:${server.port}`] })}\n`);
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
      await server.close();
    });
}
