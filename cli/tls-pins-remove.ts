import { exitCodes, Misuse, type Command } from './command.ts'
import { withOperator } from './operator/load.ts'
import { personOf, personOptions } from './staff/staff-key.ts'
import { publishedSet, publishPins } from './tls/publish-pins.ts'

export const tlsPinsRemove: Command = {
  name: 'tls pins remove',
  summary: 'Publish the pins without one of them.',
  operands: [{ name: 'pin', about: 'SHA-256 of the key, base64', isRequired: true }],
  options: personOptions,
  async run(context, given) {
    const person = await personOf(context, given)
    const pin = given.operands['pin']
    const set = await withOperator(context, async (access, config) => {
      const { version, set: before } = await publishedSet(access.db, access.statementKey)
      if (before?.pins.some(({ spki_sha256: spki }) => spki === pin) !== true) throw new Misuse('there is no such pin: ngome tls pins list')
      const { names, expires_at: end, pins } = before
      const published = { version: version + 1, names, expires_at: end, pins: pins.filter(({ spki_sha256: spki }) => spki !== pin) }
      await publishPins(access, config, published)
      return published
    }, person)
    context.out(given.isJson ? JSON.stringify(set) : `version ${set.version}, ${set.pins.length} pins, until ${set.expires_at}`)
    return exitCodes.done
  },
}
