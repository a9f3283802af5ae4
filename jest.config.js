import { availableParallelism } from 'node:os';

export const buildingBlocks = '/__tests__/(cli|client|credentials|metrics|pki|profiles|support|x509)/';

export default {
  testEnvironment: 'node',
  // One more than there are cores, as some tests wait for a connection to end in its time. Jest's default is one less.
  maxWorkers: availableParallelism() + 1,
  roots: ['<rootDir>/__tests__'],
  setupFiles: ['<rootDir>/__tests__/support/fixed-seed.ts', '<rootDir>/__tests__/support/quiet.ts'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    // Other programs and processes, and long runs: jest.interop.config.js.
    '/__tests__/(interop|endurance|examples|fuzz|packaging)/',
    // The command line, the client, the metrics, and what policies are built of, so that this stays below a minute: jest.whole.config.js.
    buildingBlocks,
  ],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^portcullis$': '<rootDir>/lib/index.ts',
    '^portcullis/(client|cluster|metrics|pki|redis|testing)$': '<rootDir>/lib/$1/index.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  collectCoverageFrom: ['lib/**/*.ts', 'middleware/**/*.ts'],
  coverageProvider: 'v8',
  coverageThreshold: {
    global: { statements: 95, branches: 90, functions: 95, lines: 95 },
    ...Object.fromEntries(
      ['policy', 'trust', 'forwarded', 'connection'].map((name) => [
        `./lib/${name}/`,
        { lines: 95, branches: 90 },
      ]),
    ),
  },
};
