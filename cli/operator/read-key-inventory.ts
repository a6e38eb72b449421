import type { CustodianResponse } from '@ngome/contracts'
import type { CustodianClient } from '@ngome/runtime'

type Inventory = CustodianResponse<'/v1/key-inventory'>

/** Every key that ever was, page after page. */
export async function readKeyInventory(custodian: Pick<CustodianClient, 'call'>): Promise<Inventory> {
  const keys: Inventory['keys'] = []
  for (let after: { purpose: string; name: string } | null = null; ;) {
    const page: Inventory = await custodian.call('/v1/key-inventory', { after })
    keys.push(...page.keys)
    const last = page.keys.at(-1)
    if (last === undefined) return { root: page.root, keys }
    after = { purpose: last.purpose, name: last.name }
  }
}
