import { parseBlob, parseSealedDataKey } from '@ngome/envelope'
import { ourSchemas, type Auditor } from '../at-rest/auditor.ts'
import type { Planted } from '../at-rest/plant-payment.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'

type Target = Planted & { readonly auditor: Auditor }
type Column = { readonly relation: string; readonly name: string; readonly type: string }

/** Values of one column that are looked at, the newest writes last in no order; more would be a burden while it runs. */
const valuesMax = 5_000

export const recordFormat: Probe<Target> = {
  id: 'record-format',
  source: import.meta.filename,
  does: 'Finds every column whose class is restricted in the database\'s own catalog. Each must be of type bytea, and each of its values a sealed record of the documented AES-256-GCM format with a salt of its own, or a data key sealed by the documented HPKE suite and signed.',
  run: async (target) => {
    const { id } = await target.planted('first')
    const columns = await restrictedColumns(target.auditor)
    if (columns.length === 0) throw new NotReached('the auditor sees no column of class restricted')
    const salts = new Set<string>()
    let records = 0
    let dataKeys = 0
    for (const column of columns) {
      const place = `${column.relation}.${column.name}`
      if (column.type !== 'bytea') return fails(`${place} is restricted, and of type ${column.type}: it is readable`)
      for (const value of await valuesOf(target.auditor, column)) {
        const record = parseBlob(value)
        if (record !== undefined) {
          records++
          salts.add(Buffer.from(record.salt).toString('hex'))
        } else if (parseSealedDataKey(value) !== undefined) dataKeys++
        else return fails(`${place} holds a value of ${value.length} bytes that is neither a sealed record nor a sealed data key`)
      }
    }
    if (salts.size !== records) return fails(`${records - salts.size} of ${records} records share a salt with another`)
    if (records === 0 || dataKeys === 0) throw new NotReached(`payment ${id} left no sealed record in sight`)
    return holds(`${records} sealed records with as many salts and ${dataKeys} sealed data keys in ${columns.length} restricted columns`)
  },
}

async function restrictedColumns(auditor: Auditor): Promise<readonly Column[]> {
  return auditor.query<Column>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS relation, a.attname AS name, format_type(a.atttypid, NULL) AS type
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) = 'class: restricted'
     ORDER BY 1, 2`,
    [ourSchemas],
  )
}

async function valuesOf(auditor: Auditor, { relation, name }: Column): Promise<Uint8Array[]> {
  const quoted = `"${name.replaceAll('"', '""')}"`
  const rows = await auditor.query<{ value: Uint8Array }>(
    `SELECT ${quoted} AS value FROM ${relation} WHERE ${quoted} IS NOT NULL LIMIT ${valuesMax}`,
  )
  return rows.map(({ value }) => value)
}
