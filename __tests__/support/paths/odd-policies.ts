import { der, objectIdentifier, sequence, unsignedInteger } from '../../../lib/pki/der.ts';
import { implicitTag } from '../../../lib/x509/der.ts';
import { oids } from '../../../lib/x509/extensions.ts';
import { oddAuthority, oddCertificate, type OddCertificate } from '../odd-certificates.ts';
import { extension } from '../odd-extensions.ts';
import { commonName } from '../odd-names.ts';
import { type PathCase, root } from './odd-path.ts';

const [gold, silver, any] = ['1.2.3.1', '1.2.3.2', '2.5.29.32.0'];

interface Asked {
  readonly policies?: readonly string[];
  readonly explicit?: number;
  readonly inhibitMapping?: number;
  readonly inhibitAny?: number;
  readonly maps?: readonly (readonly [string, string])[];
  readonly critical?: boolean;
  readonly raw?: Buffer;
}

const octet = (n: number, value: number): Buffer => der(implicitTag(n), Buffer.of(value));

function extensionsOf({ explicit, inhibitMapping, inhibitAny, maps, critical = true, raw }: Asked): Buffer[] {
  const parts = [
    ...(explicit === undefined ? [] : [octet(0, explicit)]),
    ...(inhibitMapping === undefined ? [] : [octet(1, inhibitMapping)]),
  ];
  const pairs = maps?.map((pair) => sequence(...pair.map(objectIdentifier)));
  return [
    ...(parts.length === 0 ? [] : [extension.raw(oids.policyConstraints, sequence(...parts), critical)]),
    ...(inhibitAny === undefined
      ? []
      : [extension.raw(oids.inhibitAnyPolicy, unsignedInteger(inhibitAny), critical)]),
    ...(pairs === undefined ? [] : [extension.raw(oids.policyMappings, sequence(...pairs), critical)]),
    ...(raw === undefined ? [] : [raw]),
  ];
}

const policiesOf = ({ policies }: Asked): { certificatePolicies?: Buffer } =>
  policies === undefined ? {} : { certificatePolicies: extension.certificatePolicies(policies) };

const constraints = (value: Buffer): Buffer => extension.raw(oids.policyConstraints, value, true);

/** CAs from the root down, and the client's policies below them. */
function asked(
  name: string,
  expected: string,
  authorities: readonly Asked[],
  client: Asked = {},
  firm = false,
): PathCase {
  const hints: OddCertificate[] = [];
  for (const [index, authority] of authorities.entries())
    hints.unshift(
      oddAuthority({
        issuer: hints[0] ?? root,
        subject: commonName(`Policy CA ${index}`),
        extensions: policiesOf(authority),
        moreExtensions: extensionsOf(authority),
      }),
    );
  const leaf = oddCertificate({
    issuer: hints[0]!,
    extensions: policiesOf(client),
    moreExtensions: extensionsOf(client),
  });
  return { name: `policies: ${name}`, expected, firm, path: { leaf, hints, anchors: [root] } };
}

/** RFC 5280 6.1, by what NIST's path tests (4.8 to 4.12) ask. */
export const oddPolicies: readonly PathCase[] = [
  asked('none', 'in', [{}]),
  asked('some, and nobody asks', 'in', [{ policies: [gold] }], { policies: [silver] }),
  asked('asked at once, and the same', 'in', [{ policies: [gold], explicit: 0 }], { policies: [gold] }),
  asked('asked at once, and none', 'policy', [{ policies: [gold], explicit: 0 }]),
  asked('asked at once, and another', 'policy', [{ policies: [gold], explicit: 0 }], { policies: [silver] }),
  asked('asked, and the CA has none', 'policy', [{ explicit: 0 }], { policies: [gold] }),
  asked('asked of the second below', 'in', [{ policies: [gold], explicit: 5 }], {}),
  asked('asked of the next below', 'policy', [{ explicit: 1 }, {}], {}),
  asked('asked by the client of itself', 'policy', [{}], { explicit: 0 }),
  asked('asked, and the CA has any', 'in', [{ policies: [any], explicit: 0 }], { policies: [gold] }),
  asked('asked, and the client has any', 'in', [{ policies: [gold], explicit: 0 }], { policies: [any] }),
  asked('any is not allowed', 'policy', [{ policies: [gold], explicit: 0, inhibitAny: 0 }], {
    policies: [any],
  }),
  asked('any is not allowed below the next', 'in', [{ policies: [gold], explicit: 0, inhibitAny: 1 }], {
    policies: [any],
  }),
  asked(
    'any is allowed for one only',
    'policy',
    [{ policies: [gold], explicit: 0, inhibitAny: 1 }, { policies: [any] }],
    { policies: [any] },
  ),
  asked('mapped', 'in', [{ policies: [gold], explicit: 0, maps: [[gold, silver]] }], { policies: [silver] }),
  asked('mapped away', 'policy', [{ policies: [gold], explicit: 0, maps: [[gold, silver]] }], {
    policies: [gold],
  }),
  asked(
    'mapped, which a CA above forbids',
    'policy',
    [
      { policies: [gold], explicit: 0, inhibitMapping: 0 },
      { policies: [gold], maps: [[gold, silver]] },
    ],
    { policies: [silver] },
  ),
  asked(
    'mapped to two',
    'in',
    [
      {
        policies: [gold],
        explicit: 0,
        maps: [
          [gold, silver],
          [gold, '1.2.3.9'],
        ],
      },
    ],
    { policies: ['1.2.3.9'] },
  ),
  asked('mapped from what any stands for', 'in', [{ policies: [any], explicit: 0, maps: [[gold, silver]] }], {
    policies: [silver],
  }),
  asked('any mapped', 'policy', [{ policies: [gold], maps: [[any, silver]] }], { policies: [silver] }),
  asked('mapped to any', 'policy', [{ policies: [gold], maps: [[gold, any]] }], { policies: [silver] }),
  asked(
    'constraints that are not critical',
    'critical-flag',
    [{ policies: [gold], explicit: 0, critical: false }],
    { policies: [gold] },
  ),
  asked('constraints with nothing in them', 'empty-extension', [{ raw: constraints(sequence()) }], {}, true),
  asked(
    'constraints that are none',
    'malformed-extension',
    [{ raw: constraints(Buffer.from('x')) }],
    {},
    true,
  ),
  asked('any inhibited below zero', 'policy', [
    {
      policies: [gold],
      explicit: 3,
      raw: extension.raw(oids.inhibitAnyPolicy, der(2, Buffer.of(0xff)), true),
    },
  ]),
];
