import { CliFailure } from '../failure.ts';

/** Certificates, keys and requests are small; a device that never ends would fill the memory. */
const most = 16 * 1024 * 1024;

/** Standard input to its end. A CliFailure where it is longer than 16 MiB. */
export async function readInput(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const octets = Buffer.from(chunk as Uint8Array);
    length += octets.length;
    if (length > most) throw new CliFailure('standard input is longer than 16 MiB');
    chunks.push(octets);
  }
  return Buffer.concat(chunks);
}
