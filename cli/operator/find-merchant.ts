import { Fault, parseId, type MerchantId } from '@ngome/kernel'
import { listMerchants, type Database, type MerchantRow } from '@ngome/store'
import { Misuse } from '../command.ts'

const pageSize = 1_000

/** Every merchant, page by page. */
export async function* allMerchants(db: Database): AsyncGenerator<MerchantRow> {
  for (let after: MerchantId | null = null; ;) {
    const page: readonly MerchantRow[] = await listMerchants(db, { after, limit: pageSize })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = last.id
  }
}

/** @throws Misuse where the text is not a merchant's id */
export function merchantId(text: string | undefined): MerchantId {
  const id = text === undefined ? undefined : parseId('merchant', text)
  if (id === undefined) throw new Misuse(`"${text ?? ''}" is not a merchant's id, such as mer_01h455vb4pex5vsknk084sn02q`)
  return id
}

/** The merchant that was named, or the first one: at a fresh start the test merchant, the only one. */
export async function merchantOrFirst(db: Database, given: string | undefined): Promise<MerchantId> {
  if (given !== undefined) return merchantId(given)
  const [first] = await listMerchants(db, { after: null, limit: 1 })
  if (first === undefined) throw new Fault('launcher/failed', 'there is no merchant yet: ngome merchants add NAME')
  return first.id
}
