import type { Model, Timed } from './checker.js'

/** The same question as `explain` answers, by trying every order, and every choice of what may have happened: for very few operations. */
export function isExplainedBySomeOrder<State, Operation>(
  model: Model<State, Operation>,
  history: readonly Timed<Operation>[],
  state: State = model.initial,
): boolean {
  if (history.every(({ optional }) => optional)) return true
  return history.some((next) => {
    const rest = history.filter((timed) => timed !== next)
    const isBefore = (other: Timed<Operation>): boolean =>
      other.ended < next.began ||
      (other.issuer !== undefined && other.issuer === next.issuer && other.began < next.began)
    if (rest.some((other) => isBefore(other) && !other.optional)) return false
    const after = model.apply(state, next.operation)
    // What comes before this one, and has not happened by now, has not happened.
    const possible = rest.filter((other) => !isBefore(other))
    return after !== undefined && isExplainedBySomeOrder(model, possible, after.state)
  })
}
