import { afterAll, expect, test } from '@jest/globals';
import { endExamples, runExample } from './run-example.ts';

afterAll(endExamples);

test.each([
  ['axios', 'PIN_MISMATCH saw sha256/'],
  ['got', 'CERTIFICATE_VERIFICATION_FAILED ISSUER_UNKNOWN'],
  ['fetch', 'HOSTNAME_MISMATCH expected api.example.org'],
])('client-%s gets its answer, and refuses the wrong server', async (name, refusal) => {
  const { code, output } = await runExample(`client-${name}`, {});
  expect(output).toContain(`hello: '${name}'`);
  expect(output).toContain(refusal);
  expect(code).toBe(0);
});
