import { join } from 'node:path'
import type { Endpoint } from '@ngome/runtime'
import type { Auditor } from '../at-rest/auditor.ts'
import { digestForms, readableForms } from '../at-rest/forms.ts'
import { scanDatabase } from '../at-rest/scan-database.ts'
import { scanFiles } from '../at-rest/scan-files.ts'
import type { Probe } from '../probe.ts'
import { fails, holds, partial } from '../verdict.ts'
import { ask } from '../wire/request.ts'
import type { KeyIssuer } from './api-keys-are-unguessable.ts'

type Target = KeyIssuer & {
  readonly gateway: Endpoint
  readonly authority: string
  readonly dataFolder: string
  readonly isDatabaseElsewhere?: boolean
  readonly auditor: Auditor
}

export const apiKeysAreNotKept: Probe<Target> = {
  id: 'api-keys-are-not-kept',
  source: import.meta.filename,
  does: 'Issues an API key as the operator does, uses it once, and searches all rows and all files of the data folder, the custodian\'s aside, for the key, for its secret part, and for their digests without a key, in every encoding.',
  timeMsMax: 120_000,
  run: async ({ issueKeys, gateway, authority, dataFolder, isDatabaseElsewhere = false, auditor }) => {
    const [key] = await issueKeys(1)
    if (key === undefined) return fails('the operator could not issue a key')
    const used = await ask(gateway, authority, { method: 'GET', path: '/v1/payments', apiKey: key })
    if (used.status !== 200) return fails(`a new key is answered with ${used.status}`)
    const forms = key.expose((text) => {
      // The id in the key is no secret and is kept; what follows the last underscore of the id is what nobody may find.
      const secretText = text.slice(-49)
      const randomText = text.slice(-49, -6)
      return [text, secretText, randomText].flatMap((part) => [...readableForms(part), ...digestForms(part)])
        .concat(digestForms(Buffer.from(randomText, 'base64url').toString('latin1')))
        .concat([{ name: 'its random bytes', bytes: Buffer.from(randomText, 'base64url') }])
    })
    const rows = await scanDatabase(auditor, forms)
    if (rows.found.length > 0) return fails(`an API key can be read in rows of ${rows.found.join(', ')}`)
    const files = await scanFiles(dataFolder, forms, (path) => path === 'custodian')
    if (files.found.length > 0) {
      return fails(`an API key can be read in ${files.found.slice(0, 5).map(({ path, form }) => `${join(dataFolder, path)} (${form})`).join(', ')}`)
    }
    const seen = `${forms.length} forms of a key that works are in none of ${rows.rowCount} rows and ${files.fileCount} files`
    return isDatabaseElsewhere ? partial(`${seen}; the database's files are on another machine`) : holds(seen)
  },
}
