import { join } from 'node:path';
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
  type IConfigFile,
} from '@microsoft/api-extractor';

/** What the extractor is to make of an entry. */
export type Output = Pick<IConfigFile, 'apiReport' | 'docModel'>;

/** The configuration for the entry whose built module is `file` (`./dist/lib/index.js`). */
export function configOf(root: string, file: string, output: Output): ExtractorConfig {
  const off = { default: { logLevel: 'none' as const } };
  const configObject: IConfigFile = {
    projectFolder: root,
    newlineKind: 'lf',
    mainEntryPointFilePath: join(root, file.replace(/\.js$/, '.d.ts')),
    compiler: {
      overrideTsconfig: {
        compilerOptions: {
          target: 'es2022',
          lib: ['es2022', 'dom'],
          module: 'nodenext',
          types: ['node'],
          strict: true,
          skipLibCheck: true,
        },
        include: ['dist/lib/**/*.d.ts'],
      },
    },
    apiReport: { enabled: false },
    docModel: { enabled: false },
    ...output,
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    // Comments here are plain: whoever writes `{ a }` in one means it.
    messages: {
      compilerMessageReporting: off,
      extractorMessageReporting: off,
      tsdocMessageReporting: off,
    } as NonNullable<IConfigFile['messages']>,
  };
  return ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: join(root, 'api-extractor.json'),
    packageJsonFullPath: join(root, 'package.json'),
  });
}

/** Reads the declarations once for all entries. */
export function extractAll(configs: readonly ExtractorConfig[]): void {
  const compilerState = CompilerState.create(configs[0]!, {
    additionalEntryPoints: configs.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath),
  });
  for (const config of configs) extract(config, compilerState);
}

function extract(config: ExtractorConfig, compilerState: CompilerState): void {
  const faults: string[] = [];
  const { succeeded } = Extractor.invoke(config, {
    compilerState,
    localBuild: true,
    messageCallback: (message: ExtractorMessage) => {
      message.handled = true;
      if (message.logLevel === ExtractorLogLevel.Error) faults.push(message.text);
    },
  });
  if (!succeeded) throw new Error(`The extractor failed: ${faults.join('\n')}`);
}
