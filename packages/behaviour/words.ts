const namesMax = 3

/** `UG`, `UG and KE`, `UG, KE, TZ and 2 others`: the order as given. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, namesMax)
  const rest = names.length - shown.length
  const all = rest > 0 ? [...shown, `${rest} other${rest === 1 ? '' : 's'}`] : shown
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`
}

/** A score: whole, between 0 and 100. */
export function scored(score: number): number {
  return Math.round(Math.max(0, Math.min(100, score)))
}
