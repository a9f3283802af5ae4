import { endOnUncaught, failUnlessSettled, finish } from './ending.ts';
import { processIo } from './process-io.ts';
import { run } from './run.ts';

endOnUncaught(process);
failUnlessSettled(process);
void run(process.argv.slice(2), processIo(process)).then((code) => finish(process, code));
