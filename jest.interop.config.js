import base from './jest.config.js';

/** What needs other programs: real clients, other Nodes, npm. They are not skipped where a program is missing. */
export default {
  ...base,
  testPathIgnorePatterns: ['/node_modules/'],
  testMatch: ['**/__tests__/{interop,packaging}/**/*.test.ts'],
  testTimeout: 60_000,
};
