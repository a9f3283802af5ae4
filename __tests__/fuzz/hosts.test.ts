/* oxlint-disable jest/no-conditional-expect, jest/expect-expect -- a property is of the inputs that it speaks of */
import { BlockList, isIP, isIPv4 } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readAddresses, readSubnet, unmapped } from '../../lib/addresses.ts';
import { HostCheck, hostMismatch, isLocalHost, normalizeHost } from '../../lib/connection/host.ts';
import { ConfigError } from '../../lib/errors.ts';
import { addressKey } from '../../lib/listener/connections/address.ts';
import { readRequestLine, refusalStatus } from '../../lib/listener/http2/header-lines.ts';
import {
  HostNames,
  hostInUrl,
  readAuthority,
  readListedName,
} from '../../lib/listener/redirect/redirect-hosts.ts';
import { readTarget } from '../../lib/listener/redirect/redirect-target.ts';
import { der } from '../../lib/pki/der.ts';
import { isWithin } from '../../lib/pki/name-trees.ts';
import { dnsSubtree, emailSubtree, uriSubtree } from '../../lib/trust/names/name-bases.ts';
import { hostOfUri, isHost, readMailbox } from '../../lib/trust/names/name-forms.ts';
import { implicitTag, readElement } from '../../lib/x509/der.ts';
import { parseUrl } from '../../lib/url.ts';
import { canonicalAddress } from '../../lib/x509/extensions.ts';
import { times } from '../support/fuzz-runs.ts';
import { unless } from './support/damage.ts';

/** What readers of hosts have taken for each other. */
const telling = fc.constantFrom(
  '.',
  ':',
  '@',
  '[',
  ']',
  '/',
  '\\',
  '?',
  '#',
  '%',
  '%2e',
  '%00',
  '*',
  '-',
  '_',
  ' ',
  '\t',
  '\r\n',
  '\0',
  'a',
  'A',
  '1',
  '127',
  '0x7f',
  '0177',
  '::',
  ':443',
  ':0',
  ':99999',
  'xn--',
  'xn--nxasmq6b',
  'ü',
  '。',
  'ⓐ',
  'ſ',
  'localhost',
  'example.org',
  '127.0.0.1',
  '[::1]',
  '::ffff:',
  '64:ff9b::',
  'http://',
  'https://',
);
const text = fc.oneof(
  fc.array(telling, { maxLength: 7 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.webUrl(),
);
const label = fc
  .stringMatching(/^[a-z](?:[a-z0-9-]{0,6}[a-z0-9])?$/)
  .filter((one) => !one.startsWith('--', 2));
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => [...labels, 'test'].join('.'));
const address = fc.oneof(fc.ipV4(), fc.ipV6());
const authority = fc.oneof(
  text,
  name,
  fc.ipV4(),
  fc.ipV6().map((one) => `[${one}]`),
);

describe('the host that a request names', () => {
  it('is one that a certificate could name, and is the same when it is read again', () => {
    fc.assert(
      fc.property(authority, (given) => {
        const host = normalizeHost(given);
        if (host === undefined) return;
        expect(host.name).toMatch(/^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|[0-9a-f:.]+)$/);
        expect(normalizeHost(hostInUrl(host.name))).toEqual(host);
        expect(host.address).toBe(isIP(host.name) !== 0);
      }),
      times(800),
    );
  });

  it('where a redirect leads is, for a URL, the very host that was read', () => {
    fc.assert(
      fc.property(authority, (given) => {
        const host = readAuthority(given);
        if (host === undefined) return;
        const url = new URL(`https://${hostInUrl(host.name)}/`);
        expect([url.hostname, url.username, url.port, url.pathname]).toEqual([
          hostInUrl(host.name),
          '',
          '',
          '/',
        ]);
        // A browser that takes the Host as it stands goes to the same place.
        expect(new URL(`https://${given}/`).hostname.replace(/\.$/, '')).toBe(hostInUrl(host.name));
      }),
      times(800),
    );
  });

  it('fits a connection exactly where it is that of the SNI', () => {
    const port = fc.constantFrom('', ':443', ':8443', ':');
    fc.assert(
      fc.property(name, fc.oneof(name, authority), port, (sni, other, suffix) => {
        const target = (host: string): { rawHeaders: string[]; url: string } => ({
          rawHeaders: ['Host', host],
          url: '/',
        });
        expect(hostMismatch(sni, target(`${sni.toUpperCase()}${suffix}`))).toBeUndefined();
        const fits = normalizeHost(other)?.name === sni;
        expect(hostMismatch(sni, target(other)) === undefined).toBe(fits);
        // Without SNI it is an address or nothing.
        expect(hostMismatch(undefined, target(other)) === undefined).toBe(
          normalizeHost(other)?.address === true,
        );
      }),
      times(600),
    );
  });

  it('is judged alike by a connection that remembers, whatever was asked before', () => {
    const request = fc.record({
      rawHeaders: fc
        .array(
          fc.tuple(
            fc.constantFrom('Host', 'hOST', ':authority', 'x-host', 'Hos'),
            fc.constantFrom('a.test', 'A.test', 'b.test', '', 'a.test:1'),
          ),
          { maxLength: 3 },
        )
        .map((lines) => lines.flat()),
      url: fc.constantFrom('/', '*', 'http://a.test/', 'http://b.test/', 'https://a.test@b.test/', undefined),
    });
    fc.assert(
      fc.property(
        fc.constantFrom('a.test', undefined),
        fc.array(request, { maxLength: 8 }),
        (sni, requests) => {
          const check = new HostCheck(sni, false);
          for (const one of requests) expect(check.mismatch(one)).toEqual(hostMismatch(sni, one));
          const unclear = new HostCheck(sni, true);
          for (const one of requests) expect(unclear.mismatch(one)).toBeDefined();
        },
      ),
      times(800),
    );
  });

  it('is this machine only where a resolver that keeps to RFC 6761 would say so', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          authority,
          name.map((one) => `${one}.localhost`),
          fc.constantFrom('localhost.', '127.9.9.9:1', '[::1]'),
        ),
        (given) => {
          const host = parseUrl(`http://${given.replace(/:\d*$/, '')}/`)?.hostname.replace(/\.$/, '');
          const isLocal =
            host !== undefined &&
            (/(?:^|\.)localhost$/.test(host) || /^127\.\d+\.\d+\.\d+$/.test(host) || host === '[::1]');
          // It may be too careful with what URLs make of odd writing, never the other way round.
          if (isLocalHost(given)) expect(isLocal).toBe(true);
        },
      ),
      times(1_200),
    );
  });
});

describe('a redirect', () => {
  const url = fc.oneof(
    text.map((one) => `/${one}`),
    text,
    fc.tuple(authority, text).map(([host, rest]) => `http://${host}/${rest}`),
    fc.constantFrom('//evil.test/', '/\\evil.test', 'HTTP://a.test', 'http://a.test?x', '*', 'a.test:443'),
  );

  it('leads to the host that the request names, by a path as it was sent, and holds nothing that parts headers', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom('a.test', 'a.test:80', '[::1]'), authority),
        url,
        (host, target) => {
          const read = readTarget({ rawHeaders: ['Host', host], url: target } as IncomingMessage);
          if (read === undefined) return;
          const written = hostInUrl(read.host.name);
          const location = `https://${written}${read.path}`;
          expect(location).toMatch(/^[\x21-\x7e]+$/);
          const led = new URL(location);
          expect([led.hostname, led.username, led.hash]).toEqual([written, '', '']);
          expect(readAuthority(host)?.name).toBe(read.host.name);
          expect(target.endsWith(read.path) || read.path === '/' || target.endsWith(read.path.slice(1))).toBe(
            true,
          );
        },
      ),
      times(800),
    );
  });

  it('has no other host for what the two say together', () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        const rawHeaders = ['Host', one];
        const read = readTarget({ rawHeaders, url: `http://${other}/x` } as IncomingMessage);
        expect(read?.host.name).toBe(one === other ? one : undefined);
        expect(
          readTarget({ rawHeaders: [...rawHeaders, 'Host', other], url: '/' } as IncomingMessage),
        ).toBeUndefined();
      }),
      times(500),
    );
  });

  it('to a name of a list is to it alone, or by a wildcard to one label below', () => {
    fc.assert(
      fc.property(name, label, label, fc.array(text, { maxLength: 4 }), (parent, one, two, others) => {
        const listed = others.filter((other) => !(readListedName(other)?.name ?? '').endsWith('test'));
        const host = (plain: string): { name: string; address: boolean } => ({ name: plain, address: false });
        const wild = new HostNames([...listed, `*.${parent}`]);
        const plain = new HostNames([...listed, parent]);
        expect(
          [`${one}.${parent}`, parent, `${two}.${one}.${parent}`].map((each) => wild.has(host(each))),
        ).toEqual([true, false, false]);
        expect([`${one}.${parent}`, parent].map((each) => plain.has(host(each)))).toEqual([false, true]);
      }),
      times(600),
    );
  });
});

describe('names and mailboxes in certificates', () => {
  it('are hosts for URLs too, and their parts make the whole', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          name,
          fc.tuple(text, name).map((parts) => parts.join('@')),
        ),
        (given) => {
          const mailbox = readMailbox(given);
          if (mailbox !== undefined) {
            expect(`${mailbox.local}@${mailbox.host}`).toBe(given);
            expect([isHost(mailbox.host), mailbox.local.includes('@')]).toEqual([true, false]);
          }
          expect(isHost(given) && !/^[\w.-]{1,253}$/.test(given)).toBe(false);
        },
      ),
      times(1_200),
    );
  });

  it('are in a URI where every reader of URLs finds them', () => {
    const scheme = fc.constantFrom('http', 'https', 'spiffe', 'ldap', 'HTTP');
    fc.assert(
      fc.property(scheme, fc.oneof(authority, text), text, (protocol, host, rest) => {
        const given = `${protocol}://${host}${rest}`;
        const found = hostOfUri(given);
        if (found === undefined) return;
        const url = parseUrl(given);
        expect([found, undefined]).toContain(url?.hostname.toLowerCase());
        expect(url?.username ?? '').toBe('');
      }),
      // An address in disguise.
      { ...times(800), examples: [['http', '0x7f', '']] },
    );
  });

  it('that an authority takes for permitted or free are so for the path check, and the other way round not looser', () => {
    const base = fc.oneof(
      name,
      name.map((one) => `.${one}`),
      fc.constantFrom('test', '.test', 'a.test', ''),
    );
    const below = fc
      .tuple(fc.array(label, { maxLength: 2 }), base)
      .map(([labels, parent]) => [...labels, parent.replace(/^\./, '')].join('.'));
    const types = [
      { type: 'dns', tag: 2, subtree: dnsSubtree, nameOf: (one: string) => one },
      { type: 'email', tag: 1, subtree: emailSubtree, nameOf: (one: string) => `x@${one}` },
      { type: 'uri', tag: 6, subtree: uriSubtree, nameOf: (one: string) => `https://${one}/x` },
    ] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        base,
        fc.oneof(name, below),
        ({ type, tag, subtree, nameOf }, parent, one) => {
          const value = nameOf(one);
          const element = readElement(der(implicitTag(tag), Buffer.from(parent)));
          const [issued, judged] = [true, false].map((whole) => [
            isWithin({ type, value }, element, whole),
            subtree(Buffer.from(parent))?.(Buffer.from(value), whole),
          ]) as [Array<boolean | undefined>, Array<boolean | undefined>];
          // Within a permitted subtree: whoever issues is not more generous than whoever verifies.
          if (issued[0] === true) expect(issued[1]).not.toBe(false);
          // Within an excluded one: what the path check refuses is not issued as free.
          if (judged[1] === true) expect(judged[0]).not.toBe(false);
        },
      ),
      times(600),
    );
  });

  it('of a URL are read, or the text is none, and nothing is thrown', () => {
    fc.assert(
      fc.property(text, (given) => {
        const url = parseUrl(given);
        if (url !== undefined) expect(parseUrl(url.href)?.href).toBe(url.href);
      }),
      times(600),
    );
  });
});

describe('addresses', () => {
  const range = fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 33 })),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 129 })),
  );
  const read = (items: unknown): ReturnType<typeof readAddresses> | undefined =>
    unless([ConfigError], () => readAddresses(items, 'list', 'Leave it out.'));

  it("are in a list as Node's BlockList has them, mapped into IPv6 or not", () => {
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 4 }), address, (ranges, other) => {
        const holds = read(ranges.map(([start, bits]) => `${start}/${bits}`));
        const valid = ranges.every(([start, bits]) => bits > 0 && bits <= (isIPv4(start) ? 32 : 128));
        if (!valid) expect(holds).toBeUndefined();
        if (holds === undefined) return;
        const model = new BlockList();
        for (const [start, bits] of ranges) model.addSubnet(start, bits, isIPv4(start) ? 'ipv4' : 'ipv6');
        for (const seen of [other, ...ranges.map(([start]) => start)]) {
          const plain = unmapped(seen);
          const expected = model.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
          expect(holds(seen)).toBe(expected);
          if (isIPv4(seen)) expect(holds(`::ffff:${seen}`)).toBe(expected);
        }
      }),
      times(800),
    );
  });

  it('of any kind are a list, or a ConfigError; more items never hold fewer addresses', () => {
    const item = fc.oneof(
      fc.anything(),
      text,
      range.map(([start, bits]) => `${start}/${bits}`),
      address,
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 4 }), item, address, (items, more, seen) => {
        unless([ConfigError], () => readSubnet(more, 'one', 'Leave it out.'));
        const [few, many] = [read(items), read([...items, more])];
        if (few !== undefined && many !== undefined && few(seen)) expect(many(seen)).toBe(true);
        read(more);
      }),
      times(600),
    );
  });

  it('are counted by the /64 that a client has for itself, however they are written', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.uint8Array({ minLength: 8, maxLength: 8 }), (one, tail) => {
        const groups = (given: string): string[] => {
          const [head = '', rest] = canonicalAddress(given)!.split('::');
          const before = head === '' ? [] : head.split(':');
          const after = rest === undefined || rest === '' ? [] : rest.split(':');
          return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
        };
        const plain = canonicalAddress(one)!;
        if (plain.startsWith('::ffff:') || plain.startsWith('64:ff9b::')) return;
        const prefix = groups(plain).slice(0, 4);
        const low = Buffer.from(tail).toString('hex').match(/.{4}/g)!;
        const neighbour = canonicalAddress([...prefix, ...low].join(':'))!;
        if (neighbour.startsWith('::ffff:')) return;
        expect(addressKey(neighbour)).toBe(addressKey(plain));
        const other = canonicalAddress(
          [(Number.parseInt(prefix[0]!, 16) ^ 1).toString(16), ...prefix.slice(1), ...low].join(':'),
        )!;
        expect(addressKey(other)).not.toBe(addressKey(plain));
      }),
      times(800),
    );
    fc.assert(
      fc.property(fc.ipV4(), (one) => {
        expect([addressKey(one), addressKey(`::ffff:${one}`), addressKey(`::FFFF:${one}`)]).toEqual([
          one,
          one,
          one,
        ]);
      }),
      times(300),
    );
  });
});

describe('the header lines of an HTTP/2 request', () => {
  const field = fc.oneof(
    fc.tuple(
      fc.constantFrom(':method', ':path', ':authority', ':scheme', ':status'),
      fc.oneof(text, fc.constantFrom('GET', 'delete', '/', '*', 'a.test')),
    ),
    fc.tuple(
      fc.constantFrom('host', 'content-length', 'transfer-encoding', 'cookie', '__proto__', 'constructor'),
      fc.oneof(text, fc.constant('a.test')),
    ),
  );

  it('bring no pseudo-header to an application, no second host unseen, and a length for every body', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), fc.boolean(), (fields, hasBody) => {
        const { lines } = readRequestLine(fields.flat(), hasBody);
        const names = lines.filter((_line, index) => index % 2 === 0);
        expect(names.some((one) => one.startsWith(':'))).toBe(false);
        const hosts = new Set(lines.filter((_line, index) => lines[index - 1] === 'host' && index % 2 === 1));
        const sent = new Set(
          fields.flatMap(([one, value]) => (one === 'host' || one === ':authority' ? [value] : [])),
        );
        expect(hosts).toEqual(sent);
        if (hasBody)
          expect(names.includes('content-length') || names.includes('transfer-encoding')).toBe(true);
      }),
      times(1_200),
    );
  });

  it('are refused where HTTP/1.1 would not take them: nothing passes with an unknown method or without a path', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), fc.nat(400), (fields, most) => {
        const pseudo = fields.filter(([one]) => one.startsWith(':'));
        const raw = [...pseudo, ...fields.filter(([one]) => !one.startsWith(':'))].flat();
        const status = refusalStatus(raw, most);
        expect([undefined, 400, 431, 501]).toContain(status);
        if (status !== undefined) return;
        const { method, path } = readRequestLine(raw, false);
        expect(method).toMatch(/^[A-Z-]+$/);
        expect(path.startsWith('/') || method === 'CONNECT' || (method === 'OPTIONS' && path === '*')).toBe(
          true,
        );
        // What fits does so with more room, and one octet fewer of room never lets in more.
        expect(refusalStatus(raw, most + 100)).toBeUndefined();
      }),
      times(1_200),
    );
  });
});
