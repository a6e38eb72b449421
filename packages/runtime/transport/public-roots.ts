import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import type { Config } from '../config/schema.ts'

/**
 * What clients of the public API trust: the platform's own authority where it issues the certificate, else what browsers
 * trust; and the operator's own roots.
 * @param authority the platform's, PEM
 * @returns PEM
 */
export function publicRoots({ certificatePath, acme, rootsPath }: Config['gateway']['tls'], authority: string): readonly string[] {
  const others = rootsPath === undefined ? [] : [readFileSync(rootsPath, 'utf8')]
  // Our authority vouches for the operator's certificate to nobody: where his is not served, that must be seen.
  return [...certificatePath === undefined && acme === undefined ? [authority] : getCACertificates('default'), ...others]
}
