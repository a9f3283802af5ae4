/**
 * Loaded before a program of the documentation (`node --import`), so that it runs as it stands: each port that it
 * listens on is a free one of this machine, each connection goes there, and the example's names are this machine's.
 * `DOCUMENTED_PORTS` holds the ports of what runs already, or the paths of Unix sockets; the parent is told of each new one.
 */
import cluster from 'node:cluster';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { Server, Socket } from 'node:net';

/** As documented → as is. */
const ports = new Map(Object.entries(JSON.parse(process.env.DOCUMENTED_PORTS ?? '{}')));
const own = /(?:^|\.)(?:example\.(?:org|com|net)|internal|test|localhost)$/;

/** `[port, …]`, `[{ port }, …]`, or what Node makes of them: `[[{ port }, callback]]`. */
function withPort(args, change) {
  const [first, ...others] = args;
  if (Array.isArray(first)) {
    // Node marks the list by a symbol: it is changed in place.
    first[0] = change(first[0]);
    return args;
  }
  return typeof first === 'object' && first !== null
    ? [change(first), ...others]
    : [change({ port: first }).port ?? first, ...others];
}

const wanted = ({ port }) => (/^[1-9]\d*$/.test(String(port)) ? String(port) : undefined);
const tell = (message) => {
  if (cluster.isPrimary && process.connected) process.send(message);
  else if (cluster.isWorker) process.send(message);
};
cluster.on('message', (_worker, message) => {
  if (message?.documented !== undefined) tell(message);
});

// oxlint-disable-next-line typescript/unbound-method -- applied below
const { listen } = Server.prototype;
Server.prototype.listen = function listenElsewhere(...args) {
  let documented;
  const free = withPort(args, (options) => {
    documented = wanted(options ?? {});
    return documented === undefined ? options : { ...options, port: 0 };
  });
  if (documented !== undefined) {
    this.once('listening', () => {
      const port = this.address()?.port;
      ports.set(documented, port);
      tell({ documented, port });
    });
  }
  return listen.apply(this, free);
};

// oxlint-disable-next-line typescript/unbound-method -- applied below
const { connect } = Socket.prototype;
Socket.prototype.connect = function connectThere(...args) {
  const changed = withPort(args, (options) => {
    const there = ports.get(wanted(options ?? {}) ?? '');
    if (there === undefined) return options;
    return typeof there === 'string' ? { path: there } : { ...options, port: there };
  });
  return connect.apply(this, changed);
};

const { lookup } = dns;
dns.lookup = function lookupHere(name, ...rest) {
  return lookup.call(this, own.test(name) ? '127.0.0.1' : name, ...rest);
};
syncBuiltinESMExports();
