import express from 'express';
import { get } from 'node:https';
import * as portcullis from 'portcullis';
import * as client from 'portcullis/client';
import * as cluster from 'portcullis/cluster';
import * as metrics from 'portcullis/metrics';
import { createAuthority } from 'portcullis/pki';
import * as redis from 'portcullis/redis';

const { createServer, exposeTls, requireTls, securityHeaders } = portcullis;
console.log([portcullis, client, cluster, metrics, redis].every((entry) => Object.keys(entry).length > 0));

const app = express();
app.use(exposeTls(), securityHeaders());
app.get('/', requireTls(), (req, res) => res.send(req.tls.protocol));

function ask(server, ca) {
  const lookup = (name, options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
  const { port } = server.address();
  get({ host: 'localhost', port, ca, lookup, agent: false }, (response) => {
    response.setEncoding('utf8').on('data', (body) => console.log(response.statusCode, body));
    response.on('end', () => server.close());
  });
}

// A bundle in CommonJS cannot wait at its top.
async function serve() {
  const authority = await createAuthority();
  const { key, chain: cert, ca } = await authority.issueServerCertificate({ names: ['localhost'] });
  const server = createServer({ key, cert, logger: false }, app);
  server.listen(0, '127.0.0.1', () => ask(server, ca));
}
void serve();
