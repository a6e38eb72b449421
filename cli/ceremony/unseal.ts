import type { CeremonyAnswer, CeremonyState } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { sealInBox } from '@ngome/runtime'
import { CustodianLine, type StateAnswer } from './custodian-line.ts'
import { refusalTexts } from './refusals.ts'
import type { Terminal } from './terminal.ts'

const rotationBegun = 'The root key is being replaced: "ngome keys rotations" says when it is done. From then on the shares of the former set must be collected and destroyed.'
const noNextSet = 'no new set waits for its holders: make it with ngome keys ceremony --rotate --shares N --threshold K'

/**
 * Lets one holder after the other enter his share, until the custodian has its root key. Each share has a connection of its
 * own, made when it is typed: a slow holder holds up nobody.
 * @throws Fault `launcher/failed`
 */
export async function unseal(path: string, { terminal, isRotation }: { readonly terminal: Terminal; readonly isRotation: boolean }): Promise<void> {
  for (let state: CeremonyState = await askState(path, isRotation); ;) {
    terminal.say(`${state.have} of ${state.need} shares are here. Next holder: type your share, which is not shown, and press Enter.`)
    const answer = await enterShare(path, terminal)
    terminal.clear()
    if (answer.type === 'unsealed') return terminal.say(isRotation ? rotationBegun : 'The custodian has its root key.')
    if (answer.type === 'refused') terminal.say(`Refused: ${refusalTexts[answer.reason]}.`)
    state = answer.type === 'accepted' ? answer : await askState(path, isRotation)
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

async function askState(path: string, isRotation: boolean): Promise<StateAnswer> {
  const { line, state } = await CustodianLine.open(path)
  line.close()
  if (state.phase === 'collecting') return state
  if (state.phase === 'making') throw new Fault('launcher/failed', refusalTexts.busy)
  throw new Fault('launcher/failed', isRotation ? noNextSet : refusalTexts.not_made)
}
