#!/usr/bin/env node
import { endProcess } from '../base/index.ts';
import { guardProcess } from './processGuards.ts';
import { runCommand } from './runCommand.ts';

guardProcess();
process.exitCode = await runCommand(process.argv.slice(2));
// Worker threads and native sessions must not hold a finished command, nor be cut within a native call.
await endProcess(process.exitCode);
