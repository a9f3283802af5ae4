/**
 * For the primary process of `node:cluster`, where it runs another file than the workers and loads no portcullis:
 * `import 'portcullis/cluster'` there lets its workers share their session ticket keys.
 */
export { answerWorkers } from '../tickets/cluster-primary.ts';
// oxlint-disable-next-line unicorn/require-module-specifiers -- for `req.tls`, whose type every entry brings along
export type {} from '../connection/tls-state.ts';
