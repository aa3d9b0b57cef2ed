globalThis.desk.mountSteps(element);
