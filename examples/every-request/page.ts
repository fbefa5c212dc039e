import { type CartState, PRODUCTS } from './cart.js'

const STYLE = `
  :root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 15%, transparent) }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem }
  h1 { font-size: 1.4rem; margin: 0 }
  p { margin: .3rem 0 1.5rem; opacity: .75 }
  output { font-variant-numeric: tabular-nums; font-weight: 600 }
  ul { list-style: none; padding: 0; margin: 0 }
  li { display: grid; grid-template-columns: 1fr 2.2rem 2.5rem 2.2rem; align-items: center; gap: .5rem;
       padding: .4rem 0; border-top: 1px solid var(--line) }
  li output { text-align: center }
  li.empty output { opacity: .35; font-weight: 400 }
  button { font: inherit; height: 2.2rem; border: 1px solid var(--line); border-radius: .5rem;
           background: transparent; cursor: pointer }
  button:hover { background: var(--line) }
  button:disabled { opacity: .3; cursor: default }`

const SCRIPT = `
  const show = ({ changes, cart }) => {
    document.querySelector('#changes').textContent = changes
    for (const item of document.querySelectorAll('li')) {
      const quantity = cart[item.dataset.product] ?? 0
      item.querySelector('output').textContent = quantity
      item.classList.toggle('empty', quantity === 0)
      item.querySelector('[data-method=DELETE]').disabled = quantity === 0
    }
  }
  document.addEventListener('click', async ({ target }) => {
    const { method } = target.dataset
    if (method === undefined) return
    const product = target.closest('li').dataset.product
    const response = await fetch('/cart/' + encodeURIComponent(product), { method })
    if (response.ok) show(await response.json())
  })
  show(JSON.parse(document.querySelector('#state').textContent))`

/** The shop's only page. */
export function page(state: CartState): string {
  const items = PRODUCTS.map(
    (product) => `<li data-product="${product}"><span>${product}</span>
      <button data-method="DELETE" aria-label="one less of ${product}">−</button><output></output>
      <button data-method="POST" aria-label="one more of ${product}">+</button></li>`,
  )
  // Products are our own words, but what is stored may be older than the list of them.
  const json = JSON.stringify(state).replaceAll('<', '\\u003c')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Your cart</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<h1>Your cart</h1>
<p>Changed <output id="changes"></output> times. Each click saves your session.</p>
<ul>${items.join('\n')}</ul>
<script type="application/json" id="state">${json}</script>
<script>${SCRIPT}</script>
</html>
`
}
