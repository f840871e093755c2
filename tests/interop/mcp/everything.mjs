// The reference server of MCP, over streamable HTTP at a free port of 127.0.0.1.
//
// It prints `listening ADDRESS` once it serves, and ends when its standard input does. By itself the
// server binds every interface of the machine and keeps the port that it got to itself.

import { Server } from 'node:net';

const { listen } = Server.prototype;
Server.prototype.listen = function (_port, ...rest) {
  this.once('listening', () => {
    process.stdout.write(`listening http://127.0.0.1:${this.address().port}\n`);
  });
  return listen.call(this, 0, '127.0.0.1', ...rest);
};

// What it writes down would fill the pipe that the address goes through.
console.log = () => {};

process.stdin.on('end', () => process.exit());
process.stdin.resume();

await import('@modelcontextprotocol/server-everything/dist/transports/streamableHttp.js');
