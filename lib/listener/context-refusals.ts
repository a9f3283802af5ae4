import { ConfigError } from '../errors.ts';

/** Why Node's `setSecureContext` is not for this listener. */
export const secureContextRefusal = (): ConfigError =>
  new ConfigError(
    'OPTION_WEAKENS',
    'setSecureContext',
    'it would reset every setting that it is not given',
    'Call reload({ key, cert }), which keeps them.',
  );

/** Why Node's `addContext` is not, where names are chosen here, or clients are asked for certificates. */
export const contextRefusal = (choosesByName: boolean): ConfigError =>
  new ConfigError(
    'OPTION_CONFLICT',
    'addContext',
    choosesByName
      ? 'this listener chooses by the names in its certificates, and would not ask it'
      : 'its context brings trust anchors that clientAuth.ca knows nothing of',
    'Give the option certificate a list.',
  );
