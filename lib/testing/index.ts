export type { TestClients } from './clients.ts';
export type { TestClient, TestServer } from './identities.ts';
export { request, type RequestIdentity, type RequestOptions, type TestAgent } from './request.ts';
export { createTestPki, type TestPki, type TestPkiOptions } from './test-pki.ts';
