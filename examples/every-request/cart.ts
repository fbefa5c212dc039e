/** What a session holds: how often it was changed, and products with their quantities. */
export interface CartState {
  readonly changes: number
  readonly cart: Readonly<Record<string, number>>
}

/** What the shop sells. */
export const PRODUCTS = [
  'apples',
  'bread',
  'coffee',
  'dates',
  'eggs',
  'figs',
  'grapes',
  'honey',
  'ice cream',
  'jam',
  'kiwis',
  'lemons',
] as const

export const EMPTY: CartState = { changes: 0, cart: {} }

/** The cart with one more of a product, or one less. */
export function changed(state: CartState, product: string, by: 1 | -1): CartState {
  const quantity = (state.cart[product] ?? 0) + by
  const { [product]: _, ...others } = state.cart
  return { changes: state.changes + 1, cart: quantity > 0 ? { ...others, [product]: quantity } : others }
}

/** What there is of a state in anything that looks like one: in a session, in an answer. */
export function stateIn(value: unknown): CartState | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { changes, cart } = value as Partial<CartState>
  return typeof changes === 'number' && typeof cart === 'object' && cart !== null
    ? { changes, cart }
    : undefined
}
