import { join } from 'node:path'
import { idSchema } from '@ngome/contracts'
import type { Clock, Random, Secret } from '@ngome/kernel'
import { processFolder, type Config } from '@ngome/runtime'
import { listMerchants } from '@ngome/store'
import { z } from 'zod'
import { createApiKey } from '../operator/create-api-key.ts'
import { createMerchant } from '../operator/create-merchant.ts'
import { operatorDatabase, operatorIdentity } from '../operator/operator-access.ts'
import { readJsonFile, writePrivateFile } from './private-file.ts'

const recordSchema = z.strictObject({
  merchant: idSchema('merchant'), key: idSchema('apiKey'), issuedAt: z.iso.datetime(),
})

/** The test merchant and its first key; `text` is there at the first start only. */
export type FirstKey = z.output<typeof recordSchema> & { readonly text: Secret<string> | undefined }

const testMerchantName = 'Test merchant'

/** Makes the test merchant and its first key, unless an earlier start did. */
export async function firstKey(config: Config, from: { readonly clock: Clock; readonly random: Random }): Promise<FirstKey> {
  const file = join(processFolder(config, 'launcher'), 'first-key.json')
  const known = readJsonFile(file, recordSchema)
  if (known !== undefined) return { ...known, text: undefined }
  const db = operatorDatabase(config)
  const operator = await operatorIdentity(config, from)
  try {
    // A start that was cut off after the merchant was made goes on with that one.
    const [existing] = await listMerchants(db, { after: null, limit: 1 })
    const access = { ...from, db, custodian: operator.custodian }
    const merchant = existing?.id ?? await createMerchant(access, testMerchantName)
    const { id, text } = await createApiKey(access, { merchant, world: 'test' })
    const record = { merchant, key: id, issuedAt: new Date(from.clock.nowMs()).toISOString() }
    writePrivateFile(file, JSON.stringify(record) + '\n')
    return { ...record, text }
  } finally {
    operator.close()
    await db.close()
  }
}
