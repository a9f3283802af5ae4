/**
 * `portcullis/testing`: certificates good and bad, and requests with them; wants supertest. For tests only.
 * @module
 */

export type { TestClients } from './clients.ts';
export type { RequestIdentity, ResumptionOptions, SniOptions } from './course.ts';
export { type DecisionRecord, recordDecisions } from './decisions.ts';
export type { ExchangeFacts, TlsFacts } from './exchange.ts';
export type { TestClient, TestServer } from './identities.ts';
export { matchers, type MatcherResult, type TestMatchers } from './matchers.ts';
export { ConnectionUnfit, HandshakeRefused } from './refused.ts';
export {
  request,
  type RequestOptions,
  type TestAgent,
  type TestRequest,
  type TestResponse,
} from './request.ts';
export { createTestPki, type TestPki, type TestPkiOptions } from './test-pki.ts';
export type { TestSession } from './test-session.ts';
// oxlint-disable-next-line unicorn/require-module-specifiers -- for `req.tls`, whose type every entry brings along
export type {} from '../connection/tls-state.ts';
