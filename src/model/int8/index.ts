export { INT8_FILE, type Int8Parts, int8Parts, type MatrixError, readInt8, writeInt8 } from './int8.ts';
