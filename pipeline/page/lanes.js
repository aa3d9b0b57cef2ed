globalThis.desk.mountLanes(element);
