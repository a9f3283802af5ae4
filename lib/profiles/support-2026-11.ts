/** Until when its makers mend a release line (ISO dates, the last day). */
export type SupportDates = Readonly<Record<string, string>>;

/**
 * Of November 2026. Node: schedule.json of github.com/nodejs/Release, by major version; 26 by its rule (the third April
 * after the release). OpenSSL: openssl-library.org/policies/releasestrat, by major and minor version. A later state
 * becomes a file of its own beside this one.
 */
export const support202611: { readonly node: SupportDates; readonly openssl: SupportDates } = {
  node: {
    '18': '2025-04-30',
    '19': '2023-06-01',
    '20': '2026-04-30',
    '21': '2024-06-01',
    '22': '2027-04-30',
    '23': '2025-06-01',
    '24': '2028-04-30',
    '25': '2026-06-01',
    '26': '2029-04-30',
  },
  openssl: {
    '1.1': '2023-09-11',
    '3.0': '2026-09-07',
    '3.1': '2025-03-14',
    '3.2': '2025-11-23',
    '3.3': '2026-04-09',
    '3.4': '2026-10-22',
    '3.5': '2030-04-08',
    '3.6': '2026-11-01',
    '4.0': '2027-05-14',
  },
};
