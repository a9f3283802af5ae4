/**
 * For the primary process of `node:cluster`, where it runs another file than the workers and loads no portcullis:
 * `import 'portcullis/cluster'` there lets its workers share their session ticket keys.
 */
export { answerWorkers } from '../tickets/cluster-primary.ts';
