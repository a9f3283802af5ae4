import base, { buildingBlocks } from './jest.config.js';

const { testPathIgnorePatterns, ...rest } = base;

/** All that needs no other programs: `npm test`, and the suites that it leaves out to be quick. */
export default {
  ...rest,
  testPathIgnorePatterns: testPathIgnorePatterns.filter((pattern) => pattern !== buildingBlocks),
};
