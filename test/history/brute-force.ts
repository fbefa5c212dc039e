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
    if (rest.some((other) => other.ended < next.began && !other.optional)) return false
    const after = model.apply(state, next.operation)
    // What had ended before this one began, and has not happened by now, has not happened.
    const possible = rest.filter((other) => other.ended >= next.began)
    return after !== undefined && isExplainedBySomeOrder(model, possible, after.state)
  })
}
