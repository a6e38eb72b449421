import type { CeremonyAnswer, CeremonyState } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { sealInBox } from '@ngome/runtime'
import { CustodianLine, type StateAnswer } from './custodian-line.ts'
import { refusalTexts } from './refusals.ts'
import type { Terminal } from './terminal.ts'

/**
 * Lets one holder after the other enter his share, until the custodian has its root key. Each share has a connection of its
 * own, made when it is typed: a slow holder holds up nobody.
 * @throws Fault `launcher/failed`
 */
export async function unseal(path: string, terminal: Terminal): Promise<void> {
  for (let state: CeremonyState = await askState(path); ;) {
    terminal.say(`${state.have} of ${state.need} shares are here. Next holder: type your share, which is not shown, and press Enter.`)
    const answer = await enterShare(path, terminal)
    terminal.clear()
    if (answer.type === 'unsealed') return terminal.say('The custodian has its root key.')
    if (answer.type === 'refused') terminal.say(`Refused: ${refusalTexts[answer.reason]}.`)
    state = answer.type === 'accepted' ? answer : await askState(path)
  }
}

async function enterShare(path: string, terminal: Terminal): Promise<CeremonyAnswer> {
  return terminal.hidden(async (typed) => {
    const { line, state } = await CustodianLine.open(path)
    try {
      return await line.ask({ type: 'share', sealed: sealInBox(state.key, typed) })
    } finally {
      line.close()
    }
  })
}

async function askState(path: string): Promise<StateAnswer> {
  const { line, state } = await CustodianLine.open(path)
  line.close()
  if (state.phase === 'collecting') return state
  throw new Fault('launcher/failed', refusalTexts[state.phase === 'unmade' ? 'not_made' : 'busy'])
}
