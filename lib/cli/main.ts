import { endOnUncaught, finish, processIo } from './process-io.ts';
import { run } from './run.ts';

endOnUncaught(process);
void run(process.argv.slice(2), processIo(process)).then((code) => finish(process, code));
