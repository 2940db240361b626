/* How Streamlit mounts a component: it calls the default export of the module at every rerun. */

/** That default export for `Component`, whose instances live as long as their root element. */
export function mounting(Component, selector) {
  const living = new WeakMap();
  return (call) => {
    const { parentElement } = call,
      root = parentElement.querySelector(selector);
    let current = living.get(parentElement);
    if (current?.root !== root) {
      current?.stop();
      current = new Component(root);
      living.set(parentElement, current);
    }
    current.update(call);
    return () => {
      current.stop();
      living.delete(parentElement);
    };
  };
}
