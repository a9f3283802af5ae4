import { spawn } from 'node:child_process';

/** What a program did. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The Debian package of each program that these tests need. */
const packages: Readonly<Record<string, string>> = {
  certtool: 'gnutls-bin',
  certutil: 'libnss3-tools',
  curl: 'curl',
  fish: 'fish',
  'gnutls-cli': 'gnutls-bin',
  go: 'golang-go',
  h2load: 'nghttp2-client',
  java: 'default-jdk-headless',
  javac: 'default-jdk-headless',
  keytool: 'default-jre-headless',
  openssl: 'openssl',
  pk12util: 'libnss3-tools',
  python3: 'python3',
  tstclnt: 'libnss3-tools',
  zsh: 'zsh',
};

interface RunOptions {
  readonly input?: string;
  /** Variables to set besides one's own. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** The host's own OpenSSL policy (Debian's MinProtocol, a crypto-policies file) is not what is tested. */
export const programEnvironment = (): Readonly<Record<string, string | undefined>> => ({
  ...process.env,
  LC_ALL: 'C',
  OPENSSL_CONF: '/dev/null',
  NODE_OPTIONS: '',
});

/** Runs a program to its end; `input` is all it gets to read. A program that is missing is an error. */
export function run(
  program: string,
  args: readonly string[],
  { input = '', environment = {}, cwd, timeout = 30_000 }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...programEnvironment(), ...environment },
      stdio: 'pipe',
      cwd,
      timeout,
      killSignal: 'SIGKILL',
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    // A client that is refused ends before it has read everything.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', (error) => {
      const where = packages[program] ?? program;
      reject(new Error(`${program} cannot be run (Debian package ${where}): ${error.message}`));
    });
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** Runs a program that has to succeed. */
export async function must(program: string, ...args: readonly string[]): Promise<void> {
  const { status, stdout, stderr } = await run(program, args);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
}
