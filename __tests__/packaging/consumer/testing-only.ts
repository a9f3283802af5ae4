import { createTestPki, request, type TestClient } from 'portcullis/testing';
import type { Server } from 'node:https';

export async function attempt(server: Server): Promise<number> {
  const { clients } = await createTestPki();
  const client: TestClient = clients.revoked;
  const { status } = await request(server).as(client).get('/').expect(403);
  // @ts-expect-error -- there is no such client
  return clients.nobody ?? status;
}
