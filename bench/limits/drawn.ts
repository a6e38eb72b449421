/**
 * Numbers in an order that no processor foresees, the same in each run (xorshift, Marsaglia 2003): callers come as they like, and one
 * after the other in the order in which memory holds them would be found before they are asked for.
 */
export function drawn(): () => number {
  let state = 2_463_534_242
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
