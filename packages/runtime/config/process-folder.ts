import { join } from 'node:path'
import type { ProcessRole } from '@ngome/kernel'

/** Who has a folder of its own below the data folder. */
export type FolderOwner = ProcessRole | 'launcher' | 'auditor' | 'postgres' | 'simulators/mtn-momo' | 'simulators/airtel-money' | 'simulators/card-acquirer'

/** The folder that only this process (as root: its user id) can read. */
export function processFolder(config: { readonly dataDir: string }, owner: FolderOwner): string {
  return join(config.dataDir, owner)
}

/** The public copy of the certificate authority's certificate. */
export function authorityPath(config: { readonly dataDir: string }): string {
  return join(config.dataDir, 'ca.pem')
}

/** The Unix socket at which a custodian that waits for its root key takes its holders' shares. */
export function ceremonySocketPath(config: { readonly dataDir: string }): string {
  return join(processFolder(config, 'custodian'), ceremonySocketName)
}

export const ceremonySocketName = 'ceremony.sock'

/** Where a custodian that has its root key takes the shares of its successor. */
export function successorSocketPath(config: { readonly dataDir: string }): string {
  return join(processFolder(config, 'custodian'), successorSocketName)
}

export const successorSocketName = 'successor.sock'
