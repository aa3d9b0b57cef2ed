element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-index]");
  if (!button) return;
  trigger("select", { index: Number(button.dataset.index) });
  window.bringIntoView?.("picture-column");
});
