// <copy-button data-copy="…" data-copied="…" data-failed="…">: wraps a read-only field that holds
// an address; adds a button to copy it. Its <template> holds the button's drawing.
//
// Without this module the member selects the address and copies it by hand. The button exists only
// once it can work.

const READ_TIME = 4000 // ms that the answer stays on the button

class CopyButton extends HTMLElement {
  connectedCallback() {
    if (this.#button || !navigator.clipboard) return
    this.#button = document.createElement("button")
    this.#button.type = "button"
    this.#button.className = "button button--second"
    this.#words.textContent = this.dataset.copy
    const drawing = this.querySelector("template")
    if (drawing) this.#button.append(drawing.content.cloneNode(true))
    this.#button.append(this.#words)
    this.#button.addEventListener("click", () => this.copy())
    this.append(this.#button, this.#status)
    this.field.addEventListener("focus", () => this.field.select())
  }

  get field() {
    return this.querySelector("input")
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.field.value)
      this.say(this.dataset.copied)
    } catch {
      this.field.select()
      this.say(this.dataset.failed)
    }
  }

  say(answer) {
    this.#words.textContent = this.#status.textContent = answer
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#words.textContent = this.dataset.copy
    }, READ_TIME)
  }

  #button = null
  #timer = 0
  #words = document.createElement("span")
  #status = Object.assign(document.createElement("span"), {
    role: "status",
    className: "hidden-text",
  })
}

customElements.define("copy-button", CopyButton)
