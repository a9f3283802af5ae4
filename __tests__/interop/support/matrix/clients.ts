import { chromium } from '../clients/chromium.ts';
import type { Client } from '../clients/client.ts';
import { curl } from '../clients/curl.ts';
import { gnutls } from '../clients/gnutls.ts';
import { go } from '../clients/go.ts';
import { java } from '../clients/java.ts';
import { nss } from '../clients/nss.ts';
import { openssl } from '../clients/openssl.ts';
import { python } from '../clients/python.ts';

/** Side by side: those that are a process for each question, and those that are one for all. */
export const lanes: ReadonlyArray<readonly Client[]> = [
  [curl, openssl, gnutls, nss],
  [python, go, java, chromium],
];
