import { InputError } from '../../base/index.ts';
import type { Observation, Robot } from '../../robot/index.ts';
import { actionFromWire, readObservation, unpackMessage } from '../../wire/index.ts';
import type { SessionRecording } from './recordingReader.ts';
import { readScript } from './recordingScript.ts';

/** One observation of a recorded session, and the action that the server answered. */
export interface RecordedStep {
  /** Milliseconds since the session opened. */
  readonly ms: number;
  readonly observation: Observation;
  /** float32 [width]; undefined where the server answered an error, or nothing was recorded. */
  readonly action: Float32Array | undefined;
}

/**
 * What a robot saw and did, as a recorded session holds it, step by step. Resets and what is no message are passed
 * over.
 * @throws InputError when the messages are not those of the robot, or are those of several
 */
export async function* recordedSteps(recording: SessionRecording, robot: Robot): AsyncGenerator<RecordedStep> {
  const { exchanges } = await readScript(recording);
  for (const { message, reply, answered } of exchanges) {
    if (!answered || message.kind !== 'received') continue;
    const { observations, batched } = readObservation(unpackMessage(await recording.payload(message)), robot);
    if (batched)
      throw new InputError(recording.path, `carries ${observations.length} robots. Record one robot a connection.`);
    const action =
      reply?.kind === 'sent' ? actionFromWire(unpackMessage(await recording.payload(reply)), robot) : undefined;
    yield { ms: message.ms, observation: observations[0], action };
  }
}
