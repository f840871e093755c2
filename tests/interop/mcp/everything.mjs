// The reference server of MCP, over streamable HTTP at a free port of 127.0.0.1.
//
// It prints `listening ADDRESS` once it serves, and ends when its standard input is closed. Unmodified,
// the server would listen on all interfaces and would not print its port.

import { Server } from 'node:net';

const { listen } = Server.prototype;
Server.prototype.listen = function (_port, ...rest) {
  this.once('listening', () => {
    process.stdout.write(`listening http://127.0.0.1:${this.address().port}\n`);
  });
  return listen.call(this, 0, '127.0.0.1', ...rest);
};

// Its log would fill the pipe to which the address is printed.
console.log = () => {};

process.stdin.on('end', () => process.exit());
process.stdin.resume();

await import('@modelcontextprotocol/server-everything/dist/transports/streamableHttp.js');
