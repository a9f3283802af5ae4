import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Manifest, releaseFaults } from '../../scripts/release/faults.ts';
import { run } from '../interop/support/program.ts';
import { root } from './support.ts';

const ready: Manifest = {
  version: '1.2.3',
  repository: { type: 'git', url: 'git+https://git.example.org/portcullis.git' },
  homepage: 'https://portcullis.example.org',
  bugs: { url: 'https://git.example.org/portcullis/issues' },
  publishConfig: { access: 'public', provenance: true },
};
const changelog = '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-02\n\n## [1.2.2] - 2026-01-01\n';

const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest & {
  scripts: Record<string, string>;
};

describe('before a release', () => {
  it('nothing is said of a manifest that has all', () => {
    expect(releaseFaults(ready, changelog)).toEqual([]);
    const short = {
      ...ready,
      repository: 'https://git.example.org/p.git',
      bugs: 'https://git.example.org/p',
    };
    expect(releaseFaults(short, changelog)).toEqual([]);
  });

  it.each<[string, Manifest]>([
    ['repository.url', { ...ready, repository: undefined }],
    ['repository.url', { ...ready, repository: { url: 'http://git.example.org/portcullis.git' } }],
    ['repository.url', { ...ready, repository: 'portcullis/portcullis' }],
    ['homepage', { ...ready, homepage: undefined }],
    ['homepage', { ...ready, homepage: 'http://portcullis.example.org' }],
    ['bugs.url', { ...ready, bugs: {} }],
    ['bugs.url', { ...ready, bugs: { url: 7 } }],
    ['publishConfig.access', { ...ready, publishConfig: { provenance: true } }],
    ['publishConfig.provenance', { ...ready, publishConfig: { access: 'public', provenance: 'true' } }],
    ['private', { ...ready, private: true }],
    ['CHANGELOG.md', { ...ready, version: '1.2.4' }],
    ['CHANGELOG.md', { ...ready, version: '1.2' }],
    ['CHANGELOG.md', { ...ready, version: undefined }],
  ])('%s is demanded', (what, manifest) => {
    expect(releaseFaults(manifest, changelog)).toEqual([expect.stringContaining(what)]);
  });

  it('a changelog without the date of this version is refused', () => {
    expect(releaseFaults(ready, '## [1.2.3]\n')).toEqual([expect.stringContaining('CHANGELOG.md')]);
  });

  it('the check runs by itself, from a fresh build, and ends with 1', async () => {
    expect(own.scripts['prepublishOnly']).toMatch(
      /^npm run .*build && node dist\/scripts\/check-release\.js$/,
    );
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-release-'));
    try {
      const check = (): ReturnType<typeof run> =>
        run(process.execPath, [join(root, 'dist/scripts/check-release.js')], { cwd: folder });
      writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ version: '1.2.3' }));
      const refused = await check();
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain('repository.url');
      expect(refused.stderr).toContain('docs/releasing.md');
      writeFileSync(join(folder, 'package.json'), JSON.stringify(ready));
      expect(await check()).toEqual({ status: 0, stdout: '', stderr: '' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('this package asks for provenance, and for a public release', () => {
    expect(own.publishConfig).toEqual({ access: 'public', provenance: true });
  });
});
