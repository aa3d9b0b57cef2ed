// Runs when a job begins, with its inputs: what is edited from here on is not in its answer.
(...inputs) => {
  globalThis.desk.state.begin();
  return inputs;
}
