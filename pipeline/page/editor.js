// Shows the document in the JSON editor: its text, what it was written for, and no problems.
() => {
  const { state, layout } = globalThis.desk;
  return [state.draft() ?? layout(state.document()), JSON.stringify(state.origin()), ""];
}
