// A picture whose parts can be picked, a pane beside it, and a packet that moves along its way.
// Python draws and answers (picture.py); here is only what must be where the student's pointer is.

const SPEED = 260; // units of the picture a second
const PAUSE = 700; // milliseconds that a packet rests at an interface while it plays

const make = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

const button = (label, words, act) => {
  const made = make("button", { type: "button", "aria-label": label, title: label }, words);
  made.addEventListener("click", act);
  return made;
};

const [ASK_AGAIN, TIMES] = [1000, 30]; // milliseconds until a picture that has nothing to show asks for it, and how often at most
const LATE = 3000; // milliseconds after which it is said that nobody answers
const UNANSWERED = "No answer yet. Is a cell still running? If the kernel was restarted, run this cell again.";
const RESTARTED = "The kernel was restarted, or has ended: run this cell again.";

const length = (path) => path.slice(1).reduce((sum, [x, y], at) => sum + Math.hypot(x - path[at][0], y - path[at][1]), 0);

// Where one is after `far` units of `path`.
function along(path, far) {
  for (let at = 1; at < path.length; at += 1) {
    const [[x, y], [toX, toY]] = [path[at - 1], path[at]];
    const part = Math.hypot(toX - x, toY - y);
    if (far <= part && part > 0) return [x + ((toX - x) * far) / part, y + ((toY - y) * far) / part];
    far -= part;
  }
  return path[path.length - 1];
}

// As wide as it was drawn where there is room, a little smaller to have the pane beside it, and never too small to read.
function fit(picture) {
  const svg = picture.querySelector("svg");
  const wide = svg ? svg.viewBox.baseVal.width : 0;
  picture.style.maxWidth = `${wide}px`;
  picture.style.flexBasis = `${wide * 0.88}px`;
  if (svg) svg.style.minWidth = `${wide * 0.7}px`;
}

// The packet's player: buttons, keys, and the dot on the picture.
function player(model, picture) {
  const bar = make("div", { class: "podnet-player", role: "group", "aria-label": "the packet's way", tabindex: "0" });
  const said = make("div", { class: "podnet-hop", "aria-live": "polite" });
  const arp = make("input", { type: "checkbox" });
  let [at, playing, timer, frame] = [0, false, 0, 0];
  const hops = () => model.get("hops").filter((hop) => arp.checked || !hop.arp);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // In a tunnel the packet is inside another one, which is drawn around it.
  const dot = ([x, y], wrapped) => {
    const svg = picture.querySelector("svg");
    if (!svg) return;
    let mark = svg.querySelector(".podnet-packet");
    if (!mark) {
      mark = document.createElementNS("http://www.w3.org/2000/svg", "g");
      mark.setAttribute("class", "podnet-packet");
      mark.innerHTML = '<rect class="podnet-outer" x="-17" y="-13" width="34" height="26" rx="4"/><rect x="-11" y="-8" width="22" height="16" rx="2"/><path d="M-11,-8 L0,2 L11,-8"/>';
      svg.append(mark);
    }
    mark.classList.toggle("podnet-wrapped", wrapped);
    mark.setAttribute("transform", `translate(${x},${y})`);
  };

  const show = (redrawn = false) => {
    const all = hops();
    at = Math.min(at, Math.max(all.length - 1, 0));
    bar.hidden = said.hidden = model.get("hops").length === 0;
    arp.disabled = !model.get("hops").some((hop) => hop.arp);
    cancelAnimationFrame(frame); // or it would draw the packet again after its way has gone
    box.title = arp.disabled ? "no MAC had to be asked for" : "";
    if (!all.length) {
      picture.querySelector(".podnet-packet")?.remove();
      said.textContent = model.get("hops").length ? "The packet itself was never seen. Was something asked before it could leave? Tick “with ARP”." : "";
      return;
    }
    const hop = all[at];
    said.innerHTML = hop.html;
    said.prepend(make("div", { class: "podnet-count" }, hop.count));
    toggle.textContent = playing ? "❚❚ pause" : "▶\uFE0E play";
    toggle.setAttribute("aria-label", playing ? "pause" : "play");
    const path = hop.path;
    if (!path.length) return picture.querySelector(".podnet-packet")?.remove();
    if (still || redrawn || !playing || path.length < 2) return dot(path[path.length - 1], hop.wrapped);
    const began = performance.now();
    const whole = length(path);
    const move = (now) => {
      const far = Math.min(((now - began) / 1000) * SPEED, whole);
      dot(along(path, far), far < whole ? hop.carried : hop.wrapped);
      if (far < whole) frame = requestAnimationFrame(move);
    };
    frame = requestAnimationFrame(move);
  };

  const stop = () => {
    playing = false;
    clearTimeout(timer);
  };
  const go = (to) => {
    stop();
    at = Math.max(0, Math.min(to, hops().length - 1));
    show();
  };
  const next = () => {
    if (at >= hops().length - 1) {
      stop();
      return show();
    }
    at += 1;
    show();
    timer = setTimeout(next, PAUSE + (still ? 0 : (length(hops()[at].path) / SPEED) * 1000));
  };
  const play = () => {
    if (playing) {
      stop();
      return show();
    }
    if (at >= hops().length - 1) at = 0;
    playing = true;
    show();
    timer = setTimeout(next, PAUSE);
  };

  const toggle = button("play", "▶\uFE0E play", play);
  const box = make("label", {}, arp, "with ARP");
  arp.addEventListener("change", () => go(0));
  bar.append(button("first", "|‹", () => go(0)), button("back one", "‹ back", () => go(at - 1)), toggle, button("on one", "step ›", () => go(at + 1)), button("last", "›|", () => go(hops().length - 1)), box);
  bar.append(make("span", { class: "podnet-keys" }, "keys: space, ← →, Home, End"));
  bar.addEventListener("keydown", (event) => {
    const act = { ArrowLeft: () => go(at - 1), ArrowRight: () => go(at + 1), Home: () => go(0), End: () => go(hops().length - 1), " ": play }[event.key];
    if (!act || (event.target.matches("input, button") && event.key === " ")) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab has meanings of its own for these keys
    act();
  });
  const anew = () => {
    stop();
    at = 0;
    show();
  };
  return { bar, said, anew, show, stop };
}

// What is sent is answered soon, and brought into sight, or it is said that it is not.
function sender(model, late, arrived) {
  let [timer, asked, dead] = [0, false, false];
  const say = (words) => {
    late.textContent = words;
    late.hidden = false;
  };
  const answered = () => {
    clearTimeout(timer);
    dead = false;
    late.hidden = true;
    if (asked) arrived();
    asked = false;
  };
  const cut = () => (dead = true); // JupyterLab has lost the kernel that made this: it was restarted, or is gone
  model.on("change:answered", answered);
  model.on("comm_live_update", cut);
  const send = (message) => {
    asked = true;
    clearTimeout(timer);
    if (dead) say(RESTARTED);
    else timer = setTimeout(() => say(UNANSWERED), LATE);
    try {
      model.send(message);
    } catch {
      clearTimeout(timer);
      say(RESTARTED);
    }
  };
  const end = () => {
    clearTimeout(timer);
    model.off("change:answered", answered);
    model.off("comm_live_update", cut);
  };
  return { send, end };
}

// Two names to choose, and what to do with them.
function chooser(model, send) {
  const row = make("div", { class: "podnet-row" });
  const chosen = [0, 1].map((which) => make("select", { "aria-label": which ? "to" : "from" }));
  const wanted = ["", ""]; // what was chosen, though it may be gone for a moment
  chosen.forEach((select, which) => select.addEventListener("change", () => (wanted[which] = select.value)));
  const ends = () => {
    wanted.fill("");
    fill();
  };
  const fill = () => {
    const names = model.get("names");
    chosen.forEach((select, which) => {
      select.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
      select.value = [wanted[which], model.get("ends")[which], names[0]].find((name) => names.includes(name)) ?? "";
    });
    row.hidden = names.length === 0;
  };
  const ask = (what) => () => send({ do: what, source: chosen[0].value, target: chosen[1].value });
  row.append("from ", chosen[0], " to ", chosen[1], " ", button("send a packet and follow it", "Trace", ask("trace")), " ", button("say what is in the way", "Explain", ask("explain")));
  fill();
  return { row, fill, ends };
}

function render({ model, el }) {
  el.classList.add("podnet");
  const picture = make("div", { class: "podnet-picture" });
  const pane = make("div", { class: "podnet-pane", "aria-live": "polite" });
  const text = make("pre");
  const { bar, said, anew, show, stop } = player(model, picture);
  const buttons = make("div", { class: "podnet-row" });
  const note = make("span", { class: "podnet-note", role: "status" });
  const late = make("div", { class: "podnet-note", role: "status", hidden: "" });
  const arrived = () => {
    beside.scrollTop = pane.offsetTop - beside.offsetTop;
    const answer = model.get("hops").length && !said.hidden && model.get("picked") === "" ? beside : pane;
    answer.scrollIntoView({ block: "nearest" });
  };
  const { send, end } = sender(model, late, arrived);
  for (const [what, words] of model.get("buttons")) buttons.append(button(words, words, () => send({ do: what })), " ");
  buttons.append(note);

  const draw = () => {
    const was = document.activeElement?.closest?.(".part")?.dataset.key;
    const inside = picture.contains(document.activeElement);
    picture.innerHTML = model.get("svg");
    fit(picture);
    for (const part of picture.querySelectorAll(".part")) {
      part.classList.toggle("picked", part.dataset.key === model.get("picked"));
      if (inside && part.dataset.key === was) part.focus(); // a redrawing must not take the keyboard away
    }
    text.textContent = model.get("words");
    show(true);
  };
  const remark = () => {
    note.textContent = model.get("note");
    buttons.hidden = !note.textContent && !model.get("buttons").length;
  };
  const again = () => {
    anew();
    if (el.contains(document.activeElement)) bar.focus({ preventScroll: true }); // its keys are for the packet now
  };
  const tell = () => (pane.innerHTML = model.get("pane"));
  const pick = (event) => {
    const part = event.target.closest("[data-key], [data-do]");
    if (!part) return;
    const what = part.dataset.do || "pick";
    send({ do: what, key: JSON.parse(part.dataset.key) });
    event.stopPropagation();
  };
  picture.addEventListener("click", pick);
  pane.addEventListener("click", pick);
  picture.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    pick(event);
  });
  const { row, fill, ends } = chooser(model, send);
  const heard = [["svg", draw], ["picked", draw], ["pane", tell], ["hops", anew], ["traced", again], ["note", remark], ["names", fill], ["ends", ends]];
  for (const [name, act] of heard) model.on(`change:${name}`, act);
  const beside = make("div", { class: "podnet-beside" }, bar, said, pane);
  const folded = make("details", {}, make("summary", {}, "as text"), text);
  el.append(late, row, buttons, make("div", { class: "podnet-both" }, picture, beside), folded);
  draw();
  tell();
  remark();
  model.send({ do: "seen" }); // only what somebody looks at is kept up to date
  let asked = 0; // what was sent before the page was ready may be lost
  const asking = setInterval(() => {
    if (model.get("svg") || asked >= TIMES) return clearInterval(asking);
    asked += 1;
    model.send({ do: "whole" });
  }, ASK_AGAIN);
  return () => {
    stop();
    clearInterval(asking);
    end();
    for (const [name, act] of heard) model.off(`change:${name}`, act);
    model.send({ do: "gone" });
  };
}

export default { render };
