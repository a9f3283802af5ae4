import type { AuditSeverity } from '../../profiles/audit-finding.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { type Style, style } from '../terminal/style.ts';
import type { AuditedFinding, Audited } from './audit.ts';

const order: readonly AuditSeverity[] = ['high', 'medium', 'low', 'info'];

/** A line of counts, and a paragraph for each finding, the gravest first. */
export function reportText(target: string, { findings, guideline }: Audited, io: Io): string {
  const marks = style(io.colours);
  const sorted = order.flatMap((severity) => findings.filter((one) => one.severity === severity));
  const counts = order.flatMap((severity) => {
    const count = findings.filter((one) => one.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  const against = ` (Mozilla ${guideline.version}, ${guideline.configuration})`;
  const summary = `${plain(target)}${plain(against)}: ${counts.join(', ') || 'nothing found'}\n`;
  return [marks.bold(summary), ...sorted.map((one) => paragraph(one, marks))].join('\n');
}

function paragraph({ severity, code, path, message, remedy }: AuditedFinding, marks: Style): string {
  const where = path === undefined ? '' : `  ${plain(path)}`;
  return `${colourOf(severity, marks)(severity.padEnd(6))}  ${marks.bold(plain(code))}${where}\n        ${plain(message)}\n        ${marks.cyan('→')} ${plain(remedy)}\n`;
}

function colourOf(severity: AuditSeverity, { red, yellow, cyan, dim }: Style): (text: string) => string {
  return { high: red, medium: yellow, low: cyan, info: dim }[severity];
}
