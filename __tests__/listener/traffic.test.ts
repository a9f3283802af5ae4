import { Socket } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { readLimits } from '../../lib/listener/connections/limits.ts';
import { Traffic } from '../../lib/listener/connections/traffic.ts';
import { closeAll, Recording } from './harness.ts';

afterEach(closeAll);

it('knows after another listen() whether who comes has to have an address', () => {
  const drops = new Recording('portcullis:drop');
  const traffic = new Traffic(readLimits({}));
  const onPort = { address: () => ({ port: 1 }) };
  const onPipe = { address: () => '/run/app.sock' };
  const [port, pipe, portAgain] = [onPort, onPipe, onPort].map((listener) => {
    traffic.reopen();
    return traffic.admit(
      new Socket().on('error', () => {}),
      listener,
    );
  });
  traffic.closeAll();
  expect([port, pipe, portAgain]).toEqual([false, true, false]);
  expect(drops.events.map(({ reason }) => reason)).toEqual(['ADDRESS_UNKNOWN', 'ADDRESS_UNKNOWN']);
});
