import type { Config } from '@ngome/runtime'
import type { ProcessName } from './process-table.ts'

/** Files of the operator's that a process reads beside its own folder: the gateway its certificate, and nobody else its key. */
export function operatorFilesOf(name: ProcessName, { gateway: { tls } }: Config): readonly string[] {
  const files = name === 'gateway' ? [tls.certificatePath, tls.keyPath] : name === 'dispatcher' ? [tls.rootsPath] : []
  return files.filter((path) => path !== undefined)
}
