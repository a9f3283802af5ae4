import { describe, expect, it } from '@jest/globals';
import { readAddresses } from '../../lib/addresses.ts';
import { addressKey } from '../../lib/listener/connections/address.ts';
import { AddressCounts } from '../../lib/listener/connections/address-counts.ts';

describe('a connection is counted', () => {
  it.each([
    ['for its IPv4 address', '192.0.2.7', '192.0.2.7'],
    ['for the IPv4 address that an IPv6 socket shows', '::ffff:192.0.2.7', '192.0.2.7'],
    ['for the same in capitals', '::FFFF:192.0.2.7', '192.0.2.7'],
    ['for the /64 of its IPv6 address', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['for the /64 of a short one', '2001:db8::1', '2001:db8:0:0::/64'],
    ['for the /64 of one that is short behind it', '2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['for the /64 of one that is short across it', '2001:db8:1::5:6', '2001:db8:1:0::/64'],
    ['for the /64 of the loopback address', '::1', '0:0:0:0::/64'],
    ['for the /64 of one with a zone', 'fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['for the whole of a translated IPv4 address', '64:ff9b::c000:207', '64:ff9b::c000:207'],
    ['for nobody without an address', undefined, undefined],
  ])('%s', (_what, address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  it('with whom it shares the /64, and with nobody else', () => {
    expect(addressKey('2001:db8::1')).toBe(addressKey('2001:db8:0:0:ffff::1'));
    expect(addressKey('2001:db8::1')).not.toBe(addressKey('2001:db8:0:1::1'));
  });
});

describe('a list of addresses', () => {
  const isListed = readAddresses(['192.0.2.7', '10.0.0.0/8', '2001:db8::/32', '::1'], 'path', '');

  it.each(['192.0.2.7', '::ffff:192.0.2.7', '10.255.0.1', '::ffff:10.0.0.1', '2001:db8:5::1', '::1'])(
    'holds %s',
    (address) => {
      expect(isListed(address)).toBe(true);
    },
  );

  it.each(['192.0.2.8', '11.0.0.1', '2001:db9::1', '::2', '::ffff:11.0.0.1'])(
    'does not hold %s',
    (address) => {
      expect(isListed(address)).toBe(false);
    },
  );

  it('that is empty holds nothing', () => {
    expect(readAddresses([], 'path', '')('10.0.0.1')).toBe(false);
  });
});

it('an address without connections is not remembered', () => {
  const counts = new AddressCounts();
  counts.add('a', true);
  counts.add('a', false);
  counts.add('b', true);
  expect([counts.connections('a'), counts.handshakes('a'), counts.size]).toEqual([2, 1, 2]);
  counts.handshakeEnded('a');
  counts.remove('a');
  counts.remove('b');
  expect([counts.connections('a'), counts.handshakes('a'), counts.size]).toEqual([1, 0, 1]);
  counts.remove('a');
  expect([counts.connections('a'), counts.size]).toEqual([0, 0]);
});
