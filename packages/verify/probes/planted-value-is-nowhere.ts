import { join } from 'node:path'
import type { Auditor } from '../at-rest/auditor.ts'
import { digestForms, readableForms } from '../at-rest/forms.ts'
import type { Planted, PlantedVault } from '../at-rest/plant-payment.ts'
import { scanDatabase } from '../at-rest/scan-database.ts'
import { scanFiles } from '../at-rest/scan-files.ts'
import type { Probe } from '../probe.ts'
import { fails, holds, partial } from '../verdict.ts'

type Target = Planted & PlantedVault & { readonly dataFolder: string; readonly isDatabaseElsewhere?: boolean; readonly auditor: Auditor }

/**
 * What is not searched: the simulator is the payment network, whom the payer's number is meant for; the custodian's
 * folder holds keys and no data, and its process is not ours to read.
 */
const excluded = ['simulators', 'custodian'] as const

export const plantedValueIsNowhere: Probe<Target> = {
  id: 'planted-value-is-nowhere',
  source: import.meta.filename,
  does: 'Takes a payment with a payer\'s number and a note, and keeps a card number in the vault, and asks for a payment by it where a network takes cards, that exist nowhere else, waits until every process has handled them, and searches for all three everything at rest: all rows, through the auditor\'s role, and all files of the data folder, those of the database, its log ahead and the logs among them; as they are, in UTF-16, hex, base64, packed, backwards, and as digests without a key.',
  timeMsMax: 120_000,
  run: async (target) => {
    const { phoneDigits, note } = await target.planted('first')
    const { digits: card, askedOf } = await target.plantedCard()
    const forms = [
      // The last four may be shown (PCI DSS 4.0 §3.4.1); the whole, in any form, and its digests may not.
      ...readableForms(card), ...digestForms(card), ...readableForms(card.replace(/(....)(?=.)/g, '$1 ')),
      ...readableForms(phoneDigits), ...digestForms(phoneDigits), ...digestForms(`+${phoneDigits}`),
      ...readableForms(note), ...digestForms(note),
    ]
    const rows = await scanDatabase(target.auditor, forms)
    if (rows.found.length > 0) return fails(`the planted values are readable in rows of ${rows.found.join(', ')}`)
    const files = await scanFiles(target.dataFolder, forms, (path) => (excluded as readonly string[]).includes(path))
    if (files.found.length > 0) {
      const places = files.found.slice(0, 5).map(({ path, form }) => `${join(target.dataFolder, path)} (${form})`)
      return fails(`the planted values are readable in ${places.join(', ')}`)
    }
    const seen = `${forms.length} forms of a planted number, note and card are in none of ${rows.rowCount} rows of ${rows.tableCount} tables`
      + ` and ${files.fileCount} files of ${Math.ceil(files.byteCount / 1024 ** 2)} MiB`
      + (askedOf === null ? '; no network takes cards here, so that no payment was asked for by it' : `; ${askedOf} was asked for a payment by the card`)
    return target.isDatabaseElsewhere === true ? partial(`${seen}; the database's files are on another machine`) : holds(seen)
  },
}
