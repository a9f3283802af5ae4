import { expect } from '@jest/globals';
import { matchers, type TestMatchers } from 'portcullis/testing';

declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T> extends TestMatchers<R, T> {}
}

expect.extend(matchers);

export { expect };
