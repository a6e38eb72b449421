import type { X509Certificate } from 'node:crypto'
import { x509 } from '../identity/x509.ts'

/** Whether two lists hold the same names, each once, in whatever order. */
export function sameNames(one: readonly string[], other: readonly string[]): boolean {
  const names = new Set(one.map((name) => name.toLowerCase()))
  return names.size === one.length && one.length === other.length && other.every((name) => names.has(name.toLowerCase()))
}

/** @returns every name that a certificate is for, of whatever kind; one that is no DNS name or address is told by its kind */
export function certificateNames(certificate: X509Certificate): readonly string[] {
  const extension = new x509.X509Certificate(certificate.raw).getExtension(x509.SubjectAlternativeNameExtension)
  return (extension?.names.items ?? []).map(({ type, value }) => (type === 'dns' || type === 'ip' ? value : `${type}:${value}`))
}
