import { expect, it } from '@jest/globals';
import { isTlsStateOf, renewedState, sealState, type TlsState } from '../../lib/connection/tls-state.ts';
import type { TrustStore } from '../../lib/trust/trust-store.ts';

const connection = {};
const facts = (): TlsState => ({ source: 'socket', protocol: 'TLSv1.3' }) as TlsState;

it('knows the facts of a connection again, and those of no other one', () => {
  const state = sealState(connection, facts(), undefined);
  expect(isTlsStateOf(connection, state)).toBe(true);
  expect(isTlsStateOf({}, state)).toBe(false);
  expect(Object.isFrozen(state)).toBe(true);
});

it('takes nothing that looks like them', () => {
  const state = sealState(connection, facts(), undefined);
  const likenesses: unknown[] = [
    { ...state },
    structuredClone(state),
    Object.create(state),
    Object.create(Object.getPrototypeOf(state) as object, Object.getOwnPropertyDescriptors(state)),
    new Proxy(state, {}),
    Object.freeze(facts()),
    undefined,
    null,
    'state',
  ];
  expect(likenesses.map((likeness) => isTlsStateOf(connection, likeness))).toEqual(
    likenesses.map(() => false),
  );
});

it('shows nobody of which connection they are', () => {
  const state = sealState(connection, facts(), undefined);
  expect(Reflect.ownKeys(state)).toEqual(['source', 'protocol']);
  expect(Object.getPrototypeOf(state)).toBe(Object.prototype);
  expect(JSON.parse(JSON.stringify(state))).toEqual({ source: 'socket', protocol: 'TLSv1.3' });
});

it('renews them by the anchors by which they were judged', () => {
  const [own, ofRoute] = [facts(), facts()];
  const judge = { stateAt: () => own, stateFor: () => ofRoute };
  const store = {} as TrustStore;
  expect(renewedState(judge, sealState(connection, facts(), undefined), 0)).toBe(own);
  expect(renewedState(judge, sealState(connection, facts(), store), 0)).toBe(ofRoute);
  // What nobody here has made is never taken for a route's.
  expect(renewedState(judge, facts(), 0)).toBe(own);
});
