import { readFileSync } from 'node:fs'
import type { Random } from '@ngome/kernel'
import { z } from 'zod'
import { processNames, type ProcessName } from './process-table.ts'
import { readJsonFile, writePrivateFile } from './private-file.ts'

// systemd's table of ids (https://systemd.io/UIDS-GIDS) leaves 1879048192 to 2147483647 to nobody.
const highRange = { first: 1_879_048_192, count: 268_435_456 }
// Inside a container that maps only 65,536 ids; below the dynamic users of systemd (61184) and above distributions' own.
const lowRange = { first: 40_000, count: 20_000 }
/** Ids are handed out in blocks, so that two instances on one machine do not overlap by halves. */
const blockSize = 16
/** From the block's first id, the custodian's, to its last, which no process of the table has. */
export const lastOfBlock = blockSize - 1

const userIdsSchema = z.strictObject({
  'custodian': z.int(), 'simulator': z.int(), 'gateway': z.int(), 'dispatcher': z.int(),
  // Files of before have none; their places in the block are the same.
  'airtel-simulator': z.int().optional(), 'card-simulator': z.int().optional(),
}).transform((ids) => {
  const placeOf = (name: ProcessName): number => ids.custodian + processNames.indexOf(name)
  return {
    ...ids, 'airtel-simulator': ids['airtel-simulator'] ?? placeOf('airtel-simulator'), 'card-simulator': ids['card-simulator'] ?? placeOf('card-simulator'),
  }
})
export type UserIds = z.output<typeof userIdsSchema>

/** The user ids of this instance's processes: chosen at the first run, the same ever after. */
export function userIds(file: string, random: Random): UserIds {
  const known = readJsonFile(file, userIdsSchema)
  if (known !== undefined) return known
  const { first, count } = mappedIdsMax() > highRange.first + highRange.count ? highRange : lowRange
  const taken = takenIds()
  let base: number
  do {
    const choice = Buffer.from(random.bytes(4)).readUInt32BE() % (count / blockSize)
    base = first + choice * blockSize
  } while (processNames.some((_, at) => taken.has(base + at)))
  const ids = Object.fromEntries(processNames.map((name, at) => [name, base + at])) as Record<ProcessName, number>
  writePrivateFile(file, JSON.stringify(ids) + '\n')
  return ids
}

/** The highest id that this user namespace knows. */
function mappedIdsMax(): number {
  const rows = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n').map((row) => row.trim().split(/\s+/).map(Number))
  return Math.max(...rows.map(([inside = 0, , count = 0]) => inside + count))
}

function takenIds(): ReadonlySet<number> {
  const rows = [...readFileSync('/etc/passwd', 'utf8').split('\n'), ...readFileSync('/etc/group', 'utf8').split('\n')]
  return new Set(rows.map((row) => Number(row.split(':')[2])))
}
