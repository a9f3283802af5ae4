import { networkInterfaces } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { isNear } from '../../lib/listener/revocation/near.ts';
import { askResponder } from '../../lib/listener/stapling/stapling-fetch.ts';

const ask = (url: string): Promise<Buffer> =>
  askResponder({
    url,
    body: Buffer.from('question'),
    timeout: 5_000,
    // What is asked after all does not go out.
    signal: AbortSignal.abort(),
    chosen: false,
  });

const asUrl = (address: string): string => `http://${address.includes(':') ? `[${address}]` : address}/`;
const near = 'ocspStapling.responder';

describe('a responder that only a certificate names is not asked', () => {
  it.each([
    '169.254.169.254',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    '::ffff:168.63.129.16',
  ])('at %s, where a cloud gives credentials to its machines', async (address) => {
    await expect(ask(asUrl(address))).rejects.toThrow(near);
  });

  it('at any address of this machine', async () => {
    const own = Object.values(networkInterfaces()).flatMap((all) => all!.map(({ address }) => address));
    expect(own).toContain('127.0.0.1');
    await Promise.all(own.map((address) => expect(ask(asUrl(address))).rejects.toThrow(near)));
  });

  it('and by a name that leads there', async () => {
    await expect(
      askResponder({
        url: 'http://localhost:9/',
        body: Buffer.from('question'),
        timeout: 5_000,
        signal: new AbortController().signal,
        chosen: false,
      }),
    ).rejects.toThrow(near);
  });
});

describe('an address is near', () => {
  const interfaces = {
    eth0: [{ address: '198.51.100.7' }, { address: '2001:db8::7' }, { address: 'fe80::7%eth0' }],
    gone: undefined,
  };

  it.each([
    ['198.51.100.7', true],
    ['::ffff:198.51.100.7', true],
    ['2001:db8::7', true],
    ['2001:db8:0:0::0007', true],
    ['198.51.100.8', false],
    ['2001:db8::8', false],
  ])('%s: %s, where an interface has 198.51.100.7 and 2001:db8::7', (address, expected) => {
    expect(isNear(address, interfaces)).toBe(expected);
  });
});
