// The floor of `valet bench server`: reads each frame whole and answers with a constant reply.
// What a server takes beyond this is its own share. Usage: node server_constant.mjs WIDTH (numbers of an action).
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const width = Number(process.argv[2]);
const key = (text) => Buffer.concat([Buffer.from([0xc4, text.length]), Buffer.from(text)]);
const action = Buffer.concat([
  Buffer.from([0x84]),
  key('__ndarray__'),
  Buffer.from([0xc3]),
  key('data'),
  Buffer.from([0xc4, 4 * width]),
  Buffer.alloc(4 * width),
  key('dtype'),
  Buffer.from([0xa3]),
  Buffer.from('<f4'),
  key('shape'),
  Buffer.from([0x91, width]),
]);
const text = (value) => Buffer.concat([Buffer.from([0xa0 | value.length]), Buffer.from(value)]);
const time = Buffer.from([0xcb, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]);
// Of the form that the other servers' replies have, so that the client has as much to read.
const timing = Buffer.concat([Buffer.from([0x82]), text('infer_ms'), time, text('prev_total_ms'), time]);
const reply = Buffer.concat([Buffer.from([0x82]), text('action'), action, text('server_timing'), timing]);
const reset = Buffer.from('\x81\xa5reset\xc3', 'latin1');

const http = createServer((_request, response) => response.end('OK\n'));
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 64 << 20 });
sockets.on('connection', (socket) => {
  socket.send(Buffer.from([0x80]));
  socket.on('message', (data) => {
    if (!reset.equals(data)) socket.send(reply);
  });
});
http.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: http.address().port })}\n`));
