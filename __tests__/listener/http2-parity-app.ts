import { createGzip } from 'node:zlib';
import { Readable } from 'node:stream';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { securityHeaders } from 'portcullis';

/** An app that does what apps do: each kind of request has its route. */
export function parityApp(file: string): Express {
  const app = express();
  app.set('env', 'test');
  answers(app);
  files(app, file);
  bodies(app);
  streams(app);
  faults(app);
  mounted(app);
  app.use('/helmet', securityHeaders(), (_request, response) => void response.send('safe'));
  app.use('/gzip', gzip, (_request, response) => {
    response.type('text').write('a'.repeat(5_000));
    response.end('b'.repeat(5_000));
  });
  app.use(withoutStack);
  return app;
}

function answers(app: Express): void {
  app.get('/json', (request, response) => void response.json({ query: request.query, ok: true }));
  app.get('/send', (_request, response) => void response.send('<p>text</p>'));
  app.get('/buffer', (_request, response) => void response.send(Buffer.from([0, 1, 2, 255])));
  app.get('/status', (_request, response) => void response.sendStatus(418));
  app.get('/empty', (_request, response) => void response.status(204).end());
  app.get('/nothing', (_request, response) => void response.end());
  app.get('/redirect', (_request, response) => response.redirect(303, '/json'));
  app.get('/cookies', (request, response) => {
    response.cookie('a', '1', { httpOnly: true }).cookie('b', 'x y').clearCookie('c');
    response.send(request.get('cookie'));
  });
  app.get('/append', (_request, response) => {
    response.append('Link', '</a>; rel=next').append('Link', '</b>; rel=prev').vary('Origin').send('ok');
  });
  app.get('/format', (_request, response) => {
    response.format({ json: () => response.json({ is: 'json' }), text: () => response.send('is text') });
  });
  app.get('/facts', (request, response) => {
    const { ip, secure, protocol, hostname, path, originalUrl, method, xhr, fresh } = request;
    response.json({ ip, secure, protocol, hostname, path, originalUrl, method, xhr, fresh, subdomains: [] });
  });
  app.get('/head', (request, response) => {
    response.json({ te: request.headers['te'], complete: request.complete, accept: request.get('accept') });
  });
  app.get('/write-head', (_request, response) => {
    response.setHeader('X-First', 'kept');
    response.writeHead(201, 'Made', { 'X-Second': 'two', 'Content-Type': 'text/plain', Connection: 'close' });
    response.end('made');
  });
  app.get('/write-head-list', (_request, response) => {
    response.writeHead(200, ['X-A', '1', 'Set-Cookie', 'a=1', 'X-Powered-By', 'hand']);
    response.end('list');
  });
  app.get('/message', (_request, response) => {
    response.statusMessage = 'Custom words';
    response.status(202).send('message');
  });
  app.get('/hop-by-hop', (_request, response) => {
    response.set({ Connection: 'keep-alive', 'Keep-Alive': 'timeout=5', 'Proxy-Connection': 'keep-alive' });
    response.setHeader('Upgrade', 'h2c');
    response.setHeader('TE', 'trailers');
    response.setHeader('Transfer-Encoding', 'chunked');
    response.removeHeader('Upgrade');
    response.end('hop');
  });
  app.get('/etag', (_request, response) => void response.send('the same each time'));
}

function files(app: Express, file: string): void {
  app.use('/static', express.static(file.slice(0, file.lastIndexOf('/'))));
  app.get('/send-file', (_request, response) => response.sendFile(file));
  app.get('/download', (_request, response) => response.download(file, 'name.txt'));
}

function bodies(app: Express): void {
  const echo = (request: Request, response: Response): void => {
    response.json({ body: request.body as unknown, type: request.get('content-type') });
  };
  app.post('/json', express.json({ limit: '1kb' }), echo);
  app.post('/form', express.urlencoded({ extended: true }), echo);
  app.post('/text', express.text(), echo);
  app.post('/raw', express.raw({ limit: '2mb' }), (request, response) => {
    response.send(request.body as Buffer);
  });
  app.post('/echo', (request, response) => void request.pipe(response));
  app.post('/ignored', (_request, response) => void response.send('not read'));
  app.post('/trailers', (request, response) => {
    response.setHeader('Trailer', 'X-Sum');
    request.resume().on('end', () => {
      response.write('body, ');
      response.addTrailers({ 'X-Sum': String(request.trailers['x-in']) });
      response.end('end');
    });
  });
}

function streams(app: Express): void {
  app.get('/writes', (_request, response) => {
    response.write('one,');
    setImmediate(() => {
      response.write('two,', () => response.end('three'));
    });
  });
  app.get('/pipe', (_request, response) => {
    const chunks = Array.from({ length: 48 }, (_, index) => Buffer.alloc(65_536, index));
    Readable.from(chunks).pipe(response);
  });
  app.get('/large', (_request, response) => void response.send('x'.repeat(300_000)));
  app.get('/early', (_request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    response.send('hinted');
  });
  app.get('/processing', (_request, response) => {
    response.writeProcessing();
    response.send('processed');
  });
}

function faults(app: Express): void {
  app.get('/throws', () => {
    throw Object.assign(new Error('sync'), { status: 503, expose: true });
  });
  app.get('/rejects', async () => {
    await Promise.reject(Object.assign(new Error('async'), { status: 409, expose: true }));
  });
}

function mounted(app: Express): void {
  const router = express.Router();
  router.get('/:id', (request, response) => void response.json({ ...request.params, base: request.baseUrl }));
  app.use('/router', router);
  const inner = express();
  inner.get(
    '/below',
    (request, response) => void response.json({ base: request.baseUrl, path: request.path }),
  );
  app.use('/mounted', inner);
}

/** Outside production Express shows the stack, which has the protocol in it. */
function withoutStack(error: Error, _request: Request, _response: Response, next: NextFunction): void {
  error.stack = String(error);
  next(error);
}

/** What `compression` does: it takes the place of `writeHead`, `write` and `end` of the response. */
function gzip(_request: Request, response: Response, next: NextFunction): void {
  const zip = createGzip();
  const write = response.write.bind(response) as (chunk: Buffer) => boolean;
  const end = response.end.bind(response) as () => void;
  zip.on('data', (chunk: Buffer) => {
    if (!write(chunk)) zip.pause();
  });
  zip.on('end', () => end());
  response.on('drain', () => zip.resume());
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => Response;
  response.writeHead = ((...args: unknown[]) => {
    response.setHeader('Content-Encoding', 'gzip');
    response.removeHeader('Content-Length');
    return writeHead(...args);
  }) as never;
  const begin = (): void => {
    if (!response.headersSent) response.writeHead(response.statusCode);
  };
  response.write = ((chunk: string) => {
    begin();
    return zip.write(chunk);
  }) as never;
  response.end = ((chunk: string) => {
    begin();
    zip.end(chunk);
    return response;
  }) as never;
  next();
}
