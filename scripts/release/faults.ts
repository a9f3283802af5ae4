/** What package.json says of a release. */
export interface Manifest {
  readonly version?: unknown;
  readonly private?: unknown;
  readonly repository?: unknown;
  readonly homepage?: unknown;
  readonly bugs?: unknown;
  readonly publishConfig?: { readonly access?: unknown; readonly provenance?: unknown };
}

/** Why this must not be published, in words; none where it may. */
export function releaseFaults(manifest: Manifest, changelog: string): string[] {
  const { version, repository, homepage, bugs, publishConfig } = manifest;
  const faults: string[] = [];
  if (!/^(?:git\+)?https:\/\/\S+\.git$/.test(urlOf(repository)))
    faults.push('repository.url is not git+https://….git: provenance has to name the source');
  if (!isHttps(homepage)) faults.push('homepage is not an https URL');
  if (!isHttps(urlOf(bugs))) faults.push('bugs.url is not an https URL');
  if (publishConfig?.access !== 'public') faults.push('publishConfig.access is not "public"');
  if (publishConfig?.provenance !== true) faults.push('publishConfig.provenance is not true');
  if (manifest.private === true) faults.push('private is true');
  if (!hasSection(changelog, version)) faults.push(`CHANGELOG.md has no "## [${String(version)}] - DATE"`);
  return faults;
}

const urlOf = (field: unknown): string => {
  const url = typeof field === 'object' && field !== null && 'url' in field ? field.url : field;
  return typeof url === 'string' ? url : '';
};

const isHttps = (url: unknown): boolean => typeof url === 'string' && /^https:\/\/[^\s/]+\.[^\s/]+/.test(url);

const hasSection = (changelog: string, version: unknown): boolean =>
  typeof version === 'string' &&
  changelog.split('\n').some((line) => {
    const [, named, date] = /^## \[([^\]]+)\] - (\d{4}-\d{2}-\d{2})$/.exec(line) ?? [];
    return named === version && date !== undefined;
  });
