import base from './jest.config.js';

const { testPathIgnorePatterns: _ignored, coverageThreshold: _thresholds, ...rest } = base;

/** For scripts/mutation.ts, which names the suites. What they test stands among the roots, so that Jest relates it to them. */
export default {
  ...rest,
  maxWorkers: 1,
  roots: ['<rootDir>/lib', '<rootDir>/middleware', '<rootDir>/__tests__'],
};
