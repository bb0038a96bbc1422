// Travelling: drag, wheel, pinch and keys move the view along one axis, time.
const KEY_STEP = 0.15; // of the picture's width

export const bindTravel = (element, view, { moved, hover, choose }) => {
  const pointers = new Map();
  let dragged = 0, apart = 0;

  const place = event => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const spread = () => {
    const [first, second] = [...pointers.values()];
    return Math.abs(first - second);
  };

  element.addEventListener("pointerdown", event => {
    if (event.button) return;
    pointers.set(event.pointerId, place(event)[0]);
    element.setPointerCapture(event.pointerId);
    dragged = 0;
    if (pointers.size === 2) apart = spread();
  });
  element.addEventListener("pointermove", event => {
    const [x, y] = place(event);
    if (!pointers.has(event.pointerId)) return hover(x, y);
    const before = pointers.get(event.pointerId);
    pointers.set(event.pointerId, x);
    if (pointers.size === 2) {
      const now = spread();
      if (apart > 8 && now > 8) {
        const [first, second] = [...pointers.values()];
        view.following = false;
        view.zoom(now / apart, (first + second) / 2);
        moved();
      }
      apart = now;
      dragged = Infinity;
      return;
    }
    dragged += Math.abs(x - before);
    // a finger or a hand is never quite still
    if (dragged < 4) return;
    element.dataset.dragging = "";
    view.pan(before - x);
    moved();
  });
  const release = event => {
    if (!pointers.delete(event.pointerId)) return;
    delete element.dataset.dragging;
    if (event.type === "pointerup" && dragged < 4) choose(...place(event));
  };
  element.addEventListener("pointerup", release);
  element.addEventListener("pointercancel", release);
  element.addEventListener("pointerleave", () => hover(null));

  element.addEventListener("wheel", event => {
    // a page is scrolled by the wheel too: only sideways travel, zoom with Ctrl or Shift-free wheel over the picture
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 300 : 1;
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (sideways) {
      view.pan((event.deltaX || event.deltaY) * unit);
    } else {
      view.zoom(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0016)), place(event)[0]);
    }
    moved();
  }, { passive: false });

  element.addEventListener("dblclick", event => {
    view.zoom(2, place(event)[0]);
    moved();
  });

  element.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowLeft: () => view.pan(-view.width * KEY_STEP),
      ArrowRight: () => view.pan(view.width * KEY_STEP),
      PageUp: () => view.pan(-view.width * 0.9),
      PageDown: () => view.pan(view.width * 0.9),
      "+": () => view.zoom(1.4, view.width / 2),
      "=": () => view.zoom(1.4, view.width / 2),
      "-": () => view.zoom(1 / 1.4, view.width / 2),
      End: () => view.live(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
    moved();
  });
};
