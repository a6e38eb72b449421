import { readFileSync } from 'node:fs'
import { spkiPinSchema } from '@ngome/contracts'
import { authorityPath, spkiPin } from '@ngome/runtime'
import { exitCodes, Misuse, type Command, type Given } from './command.ts'
import { withOperator } from './operator/load.ts'
import { personOf, personOptions } from './staff/staff-key.ts'
import { backupRequest } from './tls/backup-key.ts'
import { dayMs, keepBackupRequest, newPin, publishedSet, publishPins, servedPin } from './tls/publish-pins.ts'

const daysDefault = 365
const daysMax = 400

export const tlsPinsAdd: Command = {
  name: 'tls pins add',
  summary: 'Publish certificate pins for mobile apps: of what is served, of a backup key, of a key that comes.',
  operands: [],
  options: {
    'current': { type: 'string', value: 'PIN', about: 'SHA-256 of a served key (base64); looked up where no pin is current yet' },
    'backup-key': { type: 'string', value: 'FILE', about: 'a key on P-256 (PEM) to fall back on; made where there is none. Take it offline' },
    'next': { type: 'string', value: 'PIN', about: 'SHA-256 of a key (base64) that will be served' },
    'from': { type: 'string', value: 'DATE', about: 'from when --next may be served, such as 2027-03-01; now where it is left out' },
    'days': { type: 'string', value: 'N', about: `for how long apps obey this set; ${daysDefault} where it is left out, ${daysMax} at most` },
    ...personOptions,
  },
  async run(context, given) {
    const { options, isJson } = given
    const person = await personOf(context, given)
    const nowMs = context.clock.nowMs()
    const backup = typeof options['backup-key'] === 'string' ? await backupRequest(options['backup-key']) : undefined
    const next = pinOption(options, 'next')
    const current = pinOption(options, 'current')
    const set = await withOperator(context, async (access, config) => {
      const { version, set: before } = await publishedSet(access.db, access.statementKey)
      const kept = before?.pins ?? []
      const served = current ?? (kept.some(({ role }) => role === 'current') ? undefined : await servedPin(config, readFileSync(authorityPath(config), 'utf8')))
      if (backup !== undefined) keepBackupRequest(config, spkiPin(backup.publicKey), backup.request)
      const added = [
        ...served === undefined ? [] : [newPin('current', served, nowMs)],
        ...next === undefined ? [] : [newPin('next', next, dateOf(options['from'], nowMs))],
        ...backup === undefined ? [] : [newPin('backup', spkiPin(backup.publicKey), nowMs)],
      ]
      const isReplaced = (spki: string): boolean => added.some((pin) => pin.spki_sha256 === spki)
      const published = {
        version: version + 1, names: [...config.gateway.publicNames], expires_at: new Date(nowMs + daysOf(options['days']) * dayMs).toISOString(),
        pins: [...kept.filter(({ spki_sha256: spki }) => !isReplaced(spki)), ...added],
      }
      await publishPins(access, config, published)
      return published
    }, person)
    if (backup?.isNew === true) context.err(`a backup key was made in ${String(options['backup-key'])}: take it offline, and keep it`)
    context.out(isJson ? JSON.stringify(set) : `version ${set.version}, ${set.pins.length} pins, until ${set.expires_at}`)
    return exitCodes.done
  },
}

function pinOption(options: Given['options'], name: string): string | undefined {
  const value = options[name]
  if (value === undefined) return undefined
  const parsed = spkiPinSchema.safeParse(value)
  if (!parsed.success) throw new Misuse(`--${name} is a SHA-256 in base64`)
  return parsed.data
}

function dateOf(text: string | boolean | undefined, nowMs: number): number {
  if (text === undefined) return nowMs
  const atMs = typeof text === 'string' && /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(atMs)) throw new Misuse('--from is a date, such as 2027-03-01')
  return atMs
}

function daysOf(text: string | boolean | undefined): number {
  const days = text === undefined ? daysDefault : Number(text)
  if (!Number.isSafeInteger(days) || days < 1 || days > daysMax) throw new Misuse(`--days is a whole number, 1 to ${daysMax}`)
  return days
}
