import { SWS_BILINEAR, type SwsFlags } from 'node-av/constants';

/** How PyAV and LeRobot's readers convert: formats of 8 bits and the golden pictures come out bit for bit. */
export const SCALER_FLAGS: SwsFlags = SWS_BILINEAR;
