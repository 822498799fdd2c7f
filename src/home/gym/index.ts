export { serveGym } from './gymServer.ts';
