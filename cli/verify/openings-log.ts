import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { processFolder, type Config } from '@ngome/runtime'
import type { OpeningsLog } from '@ngome/verify'
import type { OperatorIdentity } from '../operator/operator-access.ts'

/** The custodian's log as the operator pulls it; its last checkpoint lies in his folder, away from the custodian's. */
export function openingsLog(config: Config, operator: () => Promise<OperatorIdentity>): OpeningsLog {
  const path = join(processFolder(config, 'operator'), 'custodian-log.checkpoint')
  return {
    pull: async (request) => (await operator()).custodian.call('/v1/openings', request),
    kept: () => existsSync(path) ? readFileSync(path, 'utf8') : undefined,
    keep: (note) => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      // A look that is killed leaves the checkpoint of the one before.
      writeFileSync(`${path}.new`, note, { mode: 0o600 })
      renameSync(`${path}.new`, path)
    },
  }
}
