import type { CustodianResponse } from '@ngome/contracts'

export type KeyInventory = CustodianResponse<'/v1/key-inventory'>
export type Destructions = CustodianResponse<'/v1/destructions'>['destructions']
export type Rotations = CustodianResponse<'/v1/rotations'>['rotations']

/** What the custodian says of its keys' lives; never a key. */
export type KeyRecords = {
  /** All pages of it. */
  readonly inventory: () => Promise<KeyInventory>
  readonly rotations: () => Promise<Rotations>
  readonly destructions: () => Promise<Destructions>
}
