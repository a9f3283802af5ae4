import type { Request, RequestHandler, Response } from 'express';
import { PolicyViolation, requireClientCertificate, requirePin, requireTls } from 'portcullis';

/** A route of the app, and the middleware that guards it. */
export interface Door {
  readonly path: string;
  readonly name: string;
  readonly wants: string;
  readonly policy: RequestHandler;
}

/** Whether a client may go through a door, as the page and the JSON show it. */
export interface Entry {
  readonly path: string;
  readonly wants: string;
  readonly allowed: boolean;
  readonly code?: string;
  readonly reason?: string;
}

export const doorsOf = (pins: readonly string[]): readonly Door[] => [
  { path: '/', name: 'Overview', wants: 'nothing but TLS', policy: requireTls() },
  { path: '/admin', name: 'Admin', wants: 'a client certificate', policy: requireClientCertificate() },
  { path: '/payments', name: 'Payments', wants: 'a pinned client certificate', policy: requirePin(pins) },
];

/** Asks the door's own middleware, so that what is shown is what would happen. */
export async function tryDoor(door: Door, request: Request, response: Response): Promise<Entry> {
  // Policies leave their facts on the request: this one is thrown away. Events name the path that was asked for.
  const probe = Object.create(request, {
    originalUrl: { value: door.path },
    tls: { value: undefined, writable: true, configurable: true },
  }) as Request;
  const refusal = await new Promise<unknown>((resolve) => {
    void door.policy(probe, response, resolve);
  });
  const { path, wants } = door;
  if (refusal === undefined) return { path, wants, allowed: true };
  if (!(refusal instanceof PolicyViolation)) throw refusal;
  return { path, wants, allowed: false, code: refusal.code, reason: refusal.message };
}
