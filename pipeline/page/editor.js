// Shows the document in the JSON editor: its text, what it was written for, no problems, and the parts to make again.
() => {
  const { state, layout } = globalThis.desk;
  return [state.draft() ?? layout(state.document()), JSON.stringify(state.origin()), "", state.parts()];
}
