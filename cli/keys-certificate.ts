import { exitCodes, type Command } from './command.ts'
import { awaitedTexts } from './operator/awaited-texts.ts'
import { withCustodian } from './operator/load.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

export const keysCertificate: Command = {
  name: 'keys certificate',
  summary: 'Print a destruction\'s signed certificate; without an id, list the destructions and where they stand.',
  operands: [{ name: 'destruction', about: 'its id', isRequired: false }],
  options: personOptions,
  async run(context, given) {
    const { operands, isJson } = given
    const person = await personOf(context, given)
    const { destructions } = await withCustodian(context, (custodian) => custodian.call('/v1/destructions', {}), { person, role: 'auditor' })
    const id = operands['destruction']
    if (id === undefined) {
      if (isJson) context.out(JSON.stringify(destructions))
      else for (const one of destructions) context.out(`${one.id}  ${one.state.padEnd(9)}  ${one.dueAt}  ${one.merchant}/${one.world}  ${one.key ?? 'all keys'}${one.awaits === null ? '' : `  awaits ${one.awaits}`}`)
      return exitCodes.done
    }
    const destruction = destructions.find((one) => one.id === id)
    const certificate = destruction?.certificate ?? null
    if (certificate === null) {
      context.err(`ngome: there is no certificate of ${id}`)
      if (destruction !== undefined) context.err(`It is ${destruction.state}, due at ${destruction.dueAt}.`)
      if (destruction !== undefined && destruction.awaits !== null) context.err(awaitedTexts[destruction.awaits])
      return exitCodes.failed
    }
    context.out(certificate)
    return exitCodes.done
  },
}
