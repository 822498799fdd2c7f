/**
 * The published builds of ONNX Runtime send usage data to their maker, and write a device id below the home folder and
 * a log beside other temporary files. Nothing leaves this machine unasked: the runtime is told so before it starts. It
 * reads the process's own environment, so this must happen in the main thread; every layer imports this one, workers
 * are started by it. `ORT_DISABLE_TELEMETRY=0` in the environment allows it again.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';

export {};
