import type { PeerCertificate, TLSSocket } from 'node:tls';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, Router } from 'express';
import {
  type CertificateInputs,
  exposeTls,
  PolicyViolation,
  requireClientCertificate,
  requireMatchingHost,
  requirePin,
} from 'portcullis';
import type { Answer, Question } from './attacks-inbox.ts';

export interface GateOptions {
  /** Whom the gate `own` trusts. */
  readonly ca: CertificateInputs;
  /** What the gates `pin` and `chain` want. */
  readonly pins: readonly string[];
}

/** A connection on which one request follows another. */
export interface Asker {
  ask(path: string, question?: Question): Promise<Answer>;
}

const gateNames = ['any', 'own', 'pin', 'chain'] as const;
const places = ['app', 'router', 'sub'] as const;

/** What each gate said: the name under which it let the client in, as `in: good`, or its code, or `closed`. */
export type Verdicts = Readonly<Record<(typeof gateNames)[number], string>>;

/** The same from all gates. */
export const everywhere = (verdict: string): Verdicts => ({
  any: verdict,
  own: verdict,
  pin: verdict,
  chain: verdict,
});

/**
 * An app with every kind of gate in every place: `/app/any`, `/router/own`, `/sub/pin` …, and doors beside them:
 * `/open` without a middleware, `/facts` that tells `req.tls`, `/hosted` behind requireMatchingHost(), and
 * `/naive` behind nothing but Node's word.
 */
export function gatedApp({ ca, pins }: GateOptions): Express {
  const app = express();
  const gates: Readonly<Record<(typeof gateNames)[number], RequestHandler>> = {
    any: requireClientCertificate(),
    own: requireClientCertificate({ ca }),
    pin: requirePin(pins),
    chain: requirePin(pins, { on: 'chain' }),
  };
  const router = Router();
  const sub = express();
  for (const name of gateNames) {
    app.all(`/app/${name}`, gates[name], enter);
    router.all(`/${name}`, gates[name], enter);
    sub.all(`/${name}`, gates[name], enter);
  }
  sub.use(tell);
  app.use('/router', router);
  app.use('/sub', sub);
  app.get('/open', (_request, response) => void response.send('open'));
  app.get('/facts', exposeTls(), (request, response) => void response.json(request.tls));
  app.get('/naive', (request, response) => {
    const socket = request.socket as TLSSocket;
    const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>;
    response.send(socket.authorized ? `in: ${String(subject?.CN ?? 'nobody')}` : 'refused');
  });
  app.get('/hosted', requireMatchingHost(), requireClientCertificate(), enter);
  return app.use(tell);
}

/** Answers with the name of the certificate that was let in. */
export const enter: RequestHandler = (request, response) => {
  response.send(`in: ${request.tls?.clientCertificate?.subject['CN']?.join('+') ?? 'nobody'}`);
};

/** Answers with a refusal's code. */
export const tell: ErrorRequestHandler = (error, _request, response, _next) => {
  const refusal = error instanceof PolicyViolation;
  response.status(refusal ? error.status : 500).send(refusal ? error.code : `fault: ${String(error)}`);
};

/** Knocks at every gate in every place. Where the places differ, all their verdicts are told. */
export async function knock(wire: Asker, host = 'localhost'): Promise<Verdicts> {
  const verdicts: Partial<Record<(typeof gateNames)[number], string>> = {};
  for (const name of gateNames) {
    const said = new Set<string>();
    for (const place of places) {
      // oxlint-disable-next-line no-await-in-loop -- one connection, one request after another
      const { status, body } = await wire.ask(`/${place}/${name}`, { host });
      said.add(body.trim() || String(status));
    }
    verdicts[name] = [...said].join(' | ');
  }
  return verdicts as Verdicts;
}

/** The gates that let anybody in. */
export const admitted = (verdicts: Verdicts): string[] =>
  Object.values(verdicts).filter((verdict) => verdict.includes('in:'));
