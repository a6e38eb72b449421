import type { KeyRecords } from '@ngome/verify'
import type { OperatorIdentity } from '../operator/operator-access.ts'
import { readKeyInventory } from '../operator/read-key-inventory.ts'

export function keyRecords(operator: () => Promise<OperatorIdentity>): KeyRecords {
  return {
    inventory: async () => readKeyInventory((await operator()).custodian),
    rotations: async () => (await (await operator()).custodian.call('/v1/rotations', {})).rotations,
    destructions: async () => (await (await operator()).custodian.call('/v1/destructions', {})).destructions,
  }
}
