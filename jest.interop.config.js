import base from './jest.config.js';

/** What needs other programs or processes (clients, Nodes, npm), or long. Nothing is skipped where a program is missing. */
export default {
  ...base,
  // Floods, browsers and figures: one after the other.
  maxWorkers: 1,
  testPathIgnorePatterns: ['/node_modules/'],
  testMatch: ['**/__tests__/{interop,endurance,examples,fuzz,packaging}/**/*.test.ts'],
  testTimeout: 60_000,
};
