export { activationBits } from './activationBits.ts';
export { gemmPeak } from './gemmPeak.ts';
export { DEVICES, type Device, type DeviceReport, deviceNamed, probeDevice, requireDevice } from './providers.ts';
export { SectionedSession } from './sectionedSession.ts';
export { ProgramSession, type ProgramSessionOptions } from './session.ts';
