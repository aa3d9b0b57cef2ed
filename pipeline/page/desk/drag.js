// Drags a row by its number: to another place in the list, or onto the picture. Mouse, pen and finger.
(function (desk) {
  "use strict";

  const STARTS_PX = 5;

  // `rows`: the list. `move(place)` and `drop({x, y})` are called at the end.
  desk.drag = (event, id, { rows, move, drop }) => {
    if (event.button !== 0) return;
    const handle = event.currentTarget;
    const row = handle.closest("li");
    const label = globalThis.document.createElement("div");
    label.className = "dragged";
    label.textContent = `${handle.textContent} ${desk.state.find(id)?.source.name ?? ""}`;
    let isDragging = false;
    let place = null;

    handle.setPointerCapture(event.pointerId);
    const isOver = (node, { clientX, clientY }) => {
      const box = node?.getBoundingClientRect();
      return Boolean(box) && clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
    };
    const picture = () => globalThis.document.querySelector("#picture img");

    function onMove(now) {
      if (!isDragging && Math.hypot(now.clientX - event.clientX, now.clientY - event.clientY) < STARTS_PX) return;
      if (!isDragging) {
        isDragging = true;
        row.classList.add("moving");
        globalThis.document.querySelector(".gradio-container .contain").append(label);
      }
      label.style.translate = `${now.clientX + 12}px ${now.clientY + 8}px`;
      const isOnPicture = isOver(picture(), now);
      label.classList.toggle("on-picture", isOnPicture);
      place = isOnPicture || !isOver(rows, now) ? null : placeAt(now.clientY);
      for (const each of rows.children) each.classList.remove("before", "after");
      if (place === null) return;
      if (place < rows.children.length) rows.children[place].classList.add("before");
      else rows.lastElementChild.classList.add("after");
    }

    // The gap between rows that is nearest, 0 .. number of rows.
    function placeAt(y) {
      const middles = [...rows.children].map((each) => each.getBoundingClientRect()).map((box) => box.top + box.height / 2);
      const found = middles.findIndex((middle) => y < middle);
      return found < 0 ? middles.length : found;
    }

    function onEnd(now) {
      for (const [type, listener] of listeners) handle.removeEventListener(type, listener);
      label.remove();
      row.classList.remove("moving");
      for (const each of rows.children) each.classList.remove("before", "after");
      if (!isDragging || now.type === "pointercancel") return;
      const own = [...rows.children].indexOf(row);
      if (isOver(picture(), now)) drop({ x: now.clientX, y: now.clientY });
      else if (place !== null && place !== own && place !== own + 1) move(place > own ? place - 1 : place);
    }

    const listeners = [["pointermove", onMove], ["pointerup", onEnd], ["pointercancel", onEnd]];
    for (const [type, listener] of listeners) handle.addEventListener(type, listener);
  };
})(globalThis.desk ??= {});
