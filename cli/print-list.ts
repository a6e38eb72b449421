import type { Context } from './command.ts'
import { plainLine } from './plain-text.ts'

/**
 * Prints a list for a person, each line as a terminal may show it. Where there is nothing, one line says so on standard
 * error: what reads standard output reads an empty list.
 * @param linesOf one line of an item, or several
 * @param none what there is none of, and the command that makes one where there is one
 */
export function printList<Item>(
  { out, err }: Pick<Context, 'out' | 'err'>, items: readonly Item[], linesOf: (item: Item) => string | readonly string[], none: string,
): void {
  if (items.length === 0) err(none)
  for (const line of items.flatMap(linesOf)) out(plainLine(line))
}
