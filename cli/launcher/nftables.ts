import { Fault } from '@ngome/kernel'
import { complaint, runProgram } from './run-program.ts'

/** Puts the rules in force, replacing what the instance had. @throws Fault `launcher/failed` where the kernel refuses */
export async function applyEgressRules(nft: string, rules: string): Promise<void> {
  const applied = await runProgram([nft, '--file', '-'], rules)
  if (applied.code !== 0) throw new Fault('launcher/failed', `the egress rules were refused: ${complaint(applied)}`)
}

/** Takes the instance's rules away; that they are gone already is fine. */
export async function removeEgressRules(nft: string, table: string): Promise<void> {
  // Declaring the table first makes its deletion succeed whether or not it was there.
  await runProgram([nft, '--file', '-'], `table inet ${table}\ndelete table inet ${table}\n`)
}
