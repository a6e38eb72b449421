import { exitCodes, type Command } from './command.ts'
import { withOperator } from './operator/load.ts'
import { publishedSet } from './tls/publish-pins.ts'

export const tlsPinsList: Command = {
  name: 'tls pins list',
  summary: 'List the published certificate pins with the calendar of their rotation.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const { version, set } = await withOperator(context, (access) => publishedSet(access.db, access.statementKey))
    if (isJson) context.out(JSON.stringify(set ?? null))
    else if (set === undefined) context.out(version === 0 ? 'no pins are published: ngome tls pins add' : `version ${version} is not what the custodian signed`)
    else {
      context.out(`version ${version}, until ${set.expires_at}`)
      for (const pin of set.pins) context.out(`${pin.spki_sha256}  ${pin.role.padEnd(7)}  ${pin.not_before}  ${pin.not_after}`)
    }
    return exitCodes.done
  },
}
