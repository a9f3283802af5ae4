import { expect, it } from '@jest/globals';
import { parseUrl } from '../lib/url.ts';

it.each([
  ['http://bücher.example/', 'http://xn--bcher-kva.example/'],
  ['HTTP://[::0:1]:80/', 'http://[::1]/'],
  ['http://a b/', undefined],
  ['', undefined],
])('%j is the URL %j', (text, href) => {
  expect(parseUrl(text)?.href).toBe(href);
});

// Where URL.canParse is called, Node 20 and 22 answer otherwise from about the 10,000th time on.
it('a URL is one however often it is asked', () => {
  const url = 'http://bücher.example/';
  const answers = new Set(Array.from({ length: 30_000 }, () => parseUrl(url)?.href));
  expect([...answers]).toEqual(['http://xn--bcher-kva.example/']);
});
