import base from './jest.config.js';

const { testPathIgnorePatterns, ...rest } = base;

/** All that needs no other programs: `npm test`, and beside it the tools that nobody waits for when changing a policy. */
export default {
  ...rest,
  testPathIgnorePatterns: testPathIgnorePatterns.filter((pattern) => !pattern.includes('cli|pki')),
};
