import type { Config } from '@ngome/runtime'
import type { ProcessName } from './process-table.ts'

/**
 * Files of the operator's that a process reads beside its own folder: the gateway its certificate, and nobody else its key;
 * where it orders one, the roots that it must come from.
 */
export function operatorFilesOf(name: ProcessName, { gateway: { tls } }: Config): readonly string[] {
  const files = name === 'gateway' ? [tls.certificatePath, tls.keyPath, ...tls.acme === undefined ? [] : [tls.rootsPath]]
    : name === 'dispatcher' ? [tls.rootsPath, tls.acme?.authorityPath] : []
  return files.filter((path) => path !== undefined)
}
