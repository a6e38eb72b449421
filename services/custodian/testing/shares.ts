import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CeremonyRefusal, CeremonyState } from '@ngome/contracts'
import { systemRandom } from '@ngome/kernel'
import { Ceremony, shareLifeMs, type Maker } from '../root-keys/shares/ceremony.ts'
import { readShareSet } from '../root-keys/shares/share-set.ts'

/** A folder of its own, gone with the test. */
export function ownFolder(t: { after(fn: () => unknown): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-shares-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export type Watched = { readonly ceremony: Ceremony; readonly states: CeremonyState[]; readonly refusals: CeremonyRefusal[] }

/** A ceremony over a folder, as a start of the custodian begins it. */
export function ceremonyIn(folder: string, lifeMs: number = shareLifeMs): Watched {
  const states: CeremonyState[] = []
  const refusals: CeremonyRefusal[] = []
  const ceremony = new Ceremony({
    folder, lifeMs, set: readShareSet(folder), random: systemRandom,
    watch: { progress: (state) => void states.push(state), refused: (reason) => void refusals.push(reason) },
  })
  return { ceremony, states, refusals }
}

/** Makes a set in a folder. @returns the text of each holder's share */
export async function makeSet(folder: string, shares = 3, threshold = 2): Promise<readonly string[]> {
  const { ceremony } = ceremonyIn(folder)
  const by: Maker = {}
  await ceremony.make(by, { shares, threshold })
  const texts: string[] = []
  for (let next = ceremony.next(by); next !== undefined && 'text' in next; next = ceremony.next(by)) {
    texts.push(Buffer.from(next.text).toString())
  }
  ceremony.end()
  return texts
}
