import { existsSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Where third-party test vectors lie: `$NGOME_VECTORS`, or `../shared/vectors` beside the clone.
 * @returns `undefined` where there are none: the test that wants them skips and says so
 */
export function vectorsDir(): string | undefined {
  const candidates = [process.env['NGOME_VECTORS'], join(import.meta.dirname, '..', '..', '..', 'shared', 'vectors')]
  return candidates.find((folder) => folder !== undefined && existsSync(folder))
}
