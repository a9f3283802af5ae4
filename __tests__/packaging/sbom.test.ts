import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Lock, makeBills, productionLock } from '../../scripts/sbom/bills.ts';
import { root } from './support.ts';

interface Locked {
  readonly version: string;
  readonly license: string;
  readonly integrity: string;
  readonly dev?: boolean;
}
interface CycloneDx {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly version: number;
  readonly metadata: { readonly timestamp: string; readonly component: Record<string, unknown> };
  readonly components: ReadonlyArray<{
    readonly 'bom-ref': string;
    readonly type: string;
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly hashes: ReadonlyArray<{ readonly alg: string; readonly content: string }>;
    readonly licenses: ReadonlyArray<{ readonly license: { readonly id: string } }>;
  }>;
  readonly dependencies: ReadonlyArray<{ readonly ref: string; readonly dependsOn: readonly string[] }>;
}
interface Spdx {
  readonly spdxVersion: string;
  readonly dataLicense: string;
  readonly SPDXID: string;
  readonly documentNamespace: string;
  readonly documentDescribes: readonly string[];
  readonly packages: ReadonlyArray<{
    readonly SPDXID: string;
    readonly name: string;
    readonly versionInfo: string;
    readonly licenseDeclared: string;
    readonly externalRefs: ReadonlyArray<{
      readonly referenceType: string;
      readonly referenceLocator: string;
    }>;
    readonly checksums?: ReadonlyArray<{ readonly algorithm: string; readonly checksumValue: string }>;
  }>;
  readonly relationships: ReadonlyArray<{
    readonly spdxElementId: string;
    readonly relatedSpdxElement: string;
    readonly relationshipType: string;
  }>;
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string;
  version: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>;
};

/** A package as both bills have to tell of it. */
const line = (name: string, version: string, license: string, sha512: string): string =>
  `pkg:npm/${name.replace('@', '%40')}@${version} ${name} ${version} ${license} ${sha512}`;

/** All that is reached from the dependencies, found by walking the lock file as Node resolves. */
function reachable(): string[] {
  const found = new Set<string>();
  const open = Object.keys(manifest.dependencies).map((name) => `node_modules/${name}`);
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    const { dependencies = {} } = packages[path] as { dependencies?: Record<string, string> };
    for (const name of Object.keys(dependencies)) open.push(resolveFrom(path, name));
  }
  return [...found];
}

function resolveFrom(path: string, name: string): string {
  for (let place = path; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/')))) {
    const candidate = `${place === '' ? '' : `${place}/`}node_modules/${name}`;
    if (candidate in packages) return candidate;
    if (place === '') throw new Error(`${name} of ${path} is not in the lock file`);
  }
}

const expected = reachable()
  .map((path) => {
    const { version, license, integrity } = packages[path]!;
    const hash = Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
    return line(path.replace(/^.*node_modules\//, ''), version, license, hash);
  })
  .toSorted();

let cyclonedx: CycloneDx;
let spdx: Spdx;

beforeAll(async () => {
  const bills = await makeBills(root);
  cyclonedx = JSON.parse(bills.cyclonedx) as CycloneDx;
  spdx = JSON.parse(bills.spdx) as Spdx;
}, 60_000);

describe('the bill of materials in CycloneDX', () => {
  it('is one of version 1.5 or later, of this package', () => {
    expect(cyclonedx.bomFormat).toBe('CycloneDX');
    expect(Number(cyclonedx.specVersion)).toBeGreaterThanOrEqual(1.5);
    expect(cyclonedx.serialNumber).toMatch(/^urn:uuid:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/);
    expect(cyclonedx.version).toBe(1);
    expect(Number.isNaN(Date.parse(cyclonedx.metadata.timestamp))).toBe(false);
    expect(cyclonedx.metadata.component).toMatchObject({
      type: 'library',
      name: manifest.name,
      version: manifest.version,
      purl: `pkg:npm/${manifest.name}@${manifest.version}`,
      licenses: [{ license: { id: 'MIT' } }],
    });
  });

  it('has every package that an installation brings along, with licence and hash, and no other', () => {
    const told = cyclonedx.components.map(({ name, version, purl, hashes, licenses }) => {
      expect(hashes.map(({ alg }) => alg)).toEqual(['SHA-512']);
      expect(hashes[0]!.content).toMatch(/^[\da-f]{128}$/);
      expect(licenses).toHaveLength(1);
      expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`);
      return line(name, version, licenses[0]!.license.id, hashes[0]!.content);
    });
    expect(told.toSorted()).toEqual(expected);
  });

  it('says who needs whom, of packages that are in it', () => {
    const own = `${manifest.name}@${manifest.version}`;
    const refs = [own, ...cyclonedx.components.map((component) => component['bom-ref'])];
    expect(new Set(refs).size).toBe(refs.length);
    expect(cyclonedx.dependencies.map(({ ref }) => ref).toSorted()).toEqual(refs.toSorted());
    expect(
      cyclonedx.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.includes(ref)),
    ).toEqual([]);
    const direct = cyclonedx.dependencies.find(({ ref }) => ref === own)!.dependsOn;
    expect(direct.map((ref) => ref.replace(/@[^@]*$/, '')).toSorted()).toEqual(
      Object.keys(manifest.dependencies).toSorted(),
    );
  });
});

describe('the bill of materials in SPDX', () => {
  it('is one of version 2.3, of this package', () => {
    const own = `SPDXRef-Package-${manifest.name}-${manifest.version}`;
    expect(spdx).toMatchObject({
      spdxVersion: 'SPDX-2.3',
      dataLicense: 'CC0-1.0',
      SPDXID: 'SPDXRef-DOCUMENT',
      documentDescribes: [own],
    });
    expect(spdx.documentNamespace).toMatch(/^https?:\/\/\S+$/);
    expect(spdx.packages[0]).toMatchObject({
      SPDXID: own,
      name: manifest.name,
      versionInfo: manifest.version,
      licenseDeclared: 'MIT',
    });
  });

  it('has the same packages as that in CycloneDX', () => {
    const told = spdx.packages
      .slice(1)
      .map(({ name, versionInfo, licenseDeclared, externalRefs, checksums }) => {
        expect(checksums?.map(({ algorithm }) => algorithm)).toEqual(['SHA512']);
        expect(externalRefs).toEqual([
          expect.objectContaining({
            referenceType: 'purl',
            referenceLocator: `pkg:npm/${name.replace('@', '%40')}@${versionInfo}`,
          }),
        ]);
        return line(name, versionInfo, licenseDeclared, checksums![0]!.checksumValue);
      });
    expect(told.toSorted()).toEqual(expected);
  });

  it('relates packages that are in it', () => {
    const ids = ['SPDXRef-DOCUMENT', ...spdx.packages.map(({ SPDXID }) => SPDXID)];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^SPDXRef-[\w.-]+$/.test(id))).toBe(true);
    const related = spdx.relationships.flatMap((one) => [one.spdxElementId, one.relatedSpdxElement]);
    expect(related.filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(spdx.relationships.map(({ spdxElementId }) => spdxElementId)).size).toBe(ids.length - 1);
  });
});

it('a lock file for a release has no development dependency', () => {
  const lock: Lock = {
    lockfileVersion: 3,
    packages: {
      '': { dependencies: { a: '1' }, devDependencies: { b: '1' }, peerDependencies: { c: '5' } },
      'node_modules/a': { version: '1' },
      'node_modules/b': { version: '1', dev: true },
      'node_modules/d': { version: '1', devOptional: true },
    },
  };
  expect(productionLock(lock)).toEqual({
    lockfileVersion: 3,
    packages: { '': { dependencies: { a: '1' } }, 'node_modules/a': { version: '1' } },
  });
});
