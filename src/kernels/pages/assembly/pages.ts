/** The inner loops of the parquet page reader (src/data/pages). Pointers are byte offsets. */
export { snappy } from './snappy';
export { lookUp } from './lookUp';
