// Sends what Node asks over http, https and fetch through the proxy that TRACER_PROXY names; for versions of Node
// that do not read the proxy variables by themselves. Loaded with --require; a failure in here changes nothing.
'use strict';
try {
  const proxy = new URL(process.env.TRACER_PROXY);
  const http = require('http');
  const https = require('https');
  const net = require('net');
  const tls = require('tls');

  // A socket to host:port through CONNECT.
  const tunnel = (host, port, done) => {
    const place = net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
    const socket = net.connect(Number(proxy.port), proxy.hostname);
    let head = Buffer.alloc(0);
    const fail = (error) => { socket.destroy(); done(error); };
    const hear = (data) => {
      head = Buffer.concat([head, data]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', hear);
      socket.off('error', fail);
      socket.pause();
      const status = Number(head.toString('latin1').split(' ')[1]);
      if (status !== 200) { fail(new Error(`the proxy refused ${place}: ${status}`)); return; }
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
      done(null, socket);
    };
    socket.on('data', hear);
    socket.on('error', fail);
    socket.write(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\n`);
  };

  // The same, with TLS on it where asked.
  const dial = (options, secure, done) => {
    const host = options.hostname || options.host || 'localhost';
    const port = options.port || (secure ? 443 : 80);
    tunnel(host, port, (error, socket) => {
      if (error || !secure) { done(error, socket); return; }
      const name = options.servername || (net.isIP(host) ? '' : host);
      const sealed = tls.connect({ ...options, host, port, path: undefined, socket, servername: name });
      sealed.once('error', done);
      sealed.once('secureConnect', () => { sealed.off('error', done); done(null, sealed); });
    });
  };

  // http: and https: by agents that dial so.
  const through = (Agent, secure) => class extends Agent {
    createConnection(options, done) { dial(options, secure, done); }
  };
  if (!http.globalAgent.options.proxyEnv) {
    http.globalAgent = new (through(http.Agent, false))({ keepAlive: true, timeout: 5000 });
    https.globalAgent = new (through(https.Agent, true))({ keepAlive: true, timeout: 5000 });
  }

  // fetch: the dispatcher of the undici inside, made again with a connector that dials so, when fetch is first used.
  const key = Symbol.for('undici.globalDispatcher.1');
  const native = globalThis.fetch;
  let ready = typeof native !== 'function' || Boolean(http.globalAgent.options.proxyEnv);
  if (!ready) {
    globalThis.fetch = function fetch(...given) {
      if (!ready) {
        ready = true;
        try {
          native('data:,').catch(() => {});  // makes the dispatcher
          const Agent = globalThis[key] && globalThis[key].constructor;
          if (Agent && Agent.name === 'Agent') {
            globalThis[key] = new Agent({
              connect: (o, done) => dial({ ...o, ALPNProtocols: ['http/1.1'] }, o.protocol === 'https:', done),
            });
          }
        } catch { /* it goes as it would have gone */ }
      }
      return native.apply(this, given);
    };
  }
} catch { /* it goes as it would have gone */ }
