import type { Settings } from './furniture.ts';

const pin = 'sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
const otherPin = 'sha256/BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=';

/** What a page needs beside the usual files. */
export const settings: Readonly<Record<string, Settings>> = {
  'docs/deny-list.md': { environment: { DENY_LIST_SECRET: 'of some thirty-two characters, no less' } },
  'docs/recipes/iot-pins.md': {
    files: { 'devices.json': '[]', 'operators.json': JSON.stringify([pin, otherPin]) },
    copies: {
      'device.key': 'client.key',
      'device.pem': 'client.pem',
      'operator.key': 'client.key',
      'operator.pem': 'client.pem',
    },
  },
  'docs/recipes/kubernetes-cert-manager.md': {
    instead: { '/tls/tls.key': 'server.key', '/tls/tls.crt': 'server.pem', '/clients/ca.pem': 'ca.pem' },
  },
  'docs/recipes/spiffe.md': {
    instead: { '/run/svid/': '' },
    copies: { 'svid_key.pem': 'server.key', 'svid.pem': 'server.pem', 'bundle.pem': 'ca.pem' },
  },
  'docs/running.md': {
    environment: { SHOP_PASSPHRASE: 'secret', TICKET_SECRET: 'of some thirty-two characters, no less' },
  },
};
