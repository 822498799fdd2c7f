#!/usr/bin/env node
import { endProcess } from '../base/index.ts';
import { runCommand } from './runCommand.ts';

/** A command that does not look at signals itself ends with 130, when no thread of it is within a native call. */
function endBySignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) void endProcess(130);
    });
}

endBySignal();
process.exitCode = await runCommand(process.argv.slice(2));
// Worker threads and native sessions must not hold a finished command, nor be cut within a native call.
await endProcess(process.exitCode);
