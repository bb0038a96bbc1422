// Reads a contract through this node and writes it through the visitor's wallet, by an ABI kept in this browser.
import { announce } from "../announce.js";
import { el } from "../dom.js";
import { rpc } from "../rpc.js";

const STANDARDS = {
  20: [
    ["name", [], ["string"], "view"], ["symbol", [], ["string"], "view"], ["decimals", [], ["uint8"], "view"],
    ["totalSupply", [], ["uint256"], "view"], ["balanceOf", ["address owner"], ["uint256"], "view"],
    ["allowance", ["address owner", "address spender"], ["uint256"], "view"],
    ["transfer", ["address to", "uint256 amount"], ["bool"], "nonpayable"],
    ["approve", ["address spender", "uint256 amount"], ["bool"], "nonpayable"],
    ["transferFrom", ["address from", "address to", "uint256 amount"], ["bool"], "nonpayable"],
  ],
  721: [
    ["name", [], ["string"], "view"], ["symbol", [], ["string"], "view"], ["tokenURI", ["uint256 id"], ["string"], "view"],
    ["ownerOf", ["uint256 id"], ["address"], "view"], ["balanceOf", ["address owner"], ["uint256"], "view"],
    ["getApproved", ["uint256 id"], ["address"], "view"],
    ["approve", ["address to", "uint256 id"], [], "nonpayable"],
    ["transferFrom", ["address from", "address to", "uint256 id"], [], "nonpayable"],
  ],
};
const MAX_ABI = 400_000;

const room = document.querySelector("[data-contract]");
const address = room?.dataset.contract;
const key = `mds-abi:${room?.dataset.chainId}:${address}`;

const parameter = text => {
  const [type, name = ""] = text.split(" ");
  return { type, name };
};
const standard = number =>
  STANDARDS[number].map(([name, inputs, outputs, stateMutability]) => ({ type: "function", name, inputs: inputs.map(parameter), outputs: outputs.map(parameter), stateMutability }));

// tuples as the ABI's grammar writes them
const typeOf = ({ type, components }) =>
  type.startsWith("tuple") ? `(${components.map(typeOf).join(",")})${type.slice(5)}` : type;

const post = async (url, body) => {
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const found = await answer.json();
  if (found.error) throw new Error(found.error.message);
  return found;
};
const encode = (one, values) => post(room.dataset.encode, { name: one.name, types: one.inputs.map(typeOf), values });

const say = (place, text, kind = "") => {
  place.textContent = text;
  place.dataset.kind = kind;
  announce(text);
};

// what a call that was undone says, by errors that the node knows
const explained = async error => {
  if (typeof error.data === "string" && error.data.length > 2) {
    const { text } = await post(room.dataset.error, { address, data: error.data });
    if (text) throw new Error(`execution reverted: ${text}`);
  }
  throw error;
};

const read = async (one, values, output) => {
  const { data } = await encode(one, values);
  const raw = await rpc("eth_call", [{ to: address, data }, "latest"]).catch(explained);
  if (!one.outputs?.length) return say(output, "It returned nothing.");
  const { values: found } = await post(room.dataset.decode, { types: one.outputs.map(typeOf), data: raw });
  say(output, found.map((text, at) => (one.outputs[at].name ? `${one.outputs[at].name}: ${text}` : text)).join("\n"));
};

const write = async (one, values, wei, output) => {
  if (!window.ethereum) return say(output, "No wallet was found in this browser.", "error");
  const chain = await window.ethereum.request({ method: "eth_chainId" });
  if (Number(chain) !== Number(room.dataset.chainId)) return say(output, `The wallet is on chain ${Number(chain)}, this is ${room.dataset.chainId}.`, "error");
  const [from] = await window.ethereum.request({ method: "eth_requestAccounts" });
  const { data } = await encode(one, values);
  const hash = await window.ethereum.request({ method: "eth_sendTransaction", params: [{ from, to: address, data, value: `0x${BigInt(wei || "0").toString(16)}` }] });
  output.replaceChildren("Sent: ", el("a", { href: `/tx/${hash}` }, hash));
  announce("Sent.");
};

const form = one => {
  const isRead = one.stateMutability === "view" || one.stateMutability === "pure";
  const id = `f-${one.name}-${Math.random().toString(36).slice(2, 8)}`;
  const fields = one.inputs.map((input, at) => {
    const field = el("input", { id: `${id}-${at}`, autocomplete: "off", spellcheck: "false", placeholder: typeOf(input) });
    return [el("div", { class: "field" }, el("label", { for: field.id }, `${input.name || `#${at}`} `, el("span", { class: "quiet" }, typeOf(input))), field), field];
  });
  const wei = one.stateMutability === "payable" ? el("input", { id: `${id}-wei`, inputmode: "numeric", placeholder: "0" }) : null;
  const output = el("pre", { class: "wrap", tabindex: "0", "aria-label": `Answer of ${one.name}`, hidden: true });
  const button = el("button", { class: "button" }, isRead ? "Read" : "Write by wallet");
  const node = el("form", { class: "call" }, el("h3", {}, el("code", {}, one.name)), ...fields.map(([row]) => row), wei && el("div", { class: "field" }, el("label", { for: wei.id }, "Value in wei"), wei), button, output);
  node.addEventListener("submit", async event => {
    event.preventDefault();
    output.hidden = false;
    button.disabled = true;
    say(output, isRead ? "Asking…" : "Waiting for the wallet…");
    const values = fields.map(([, field]) => field.value);
    try {
      await (isRead ? read(one, values, output) : write(one, values, wei?.value, output));
    } catch (error) {
      say(output, error.message, "error");
    }
    button.disabled = false;
  });
  return node;
};

const show = abi => {
  const functions = abi.filter(one => one.type === "function" && one.name);
  const groups = [["Read", one => ["view", "pure"].includes(one.stateMutability)], ["Write", one => !["view", "pure"].includes(one.stateMutability)]];
  const parts = groups.map(([title, fits]) => {
    const chosen = functions.filter(fits);
    return chosen.length ? el("details", { open: true }, el("summary", {}, `${title} (${chosen.length})`), el("div", { class: "grid calls" }, ...chosen.map(form))) : null;
  });
  room.querySelector("[data-functions]").replaceChildren(...parts.filter(Boolean));
  return functions.length;
};

const use = (text, keeps = true) => {
  const state = room.querySelector("[data-abi-state]");
  try {
    if (text.length > MAX_ABI) throw new Error("it is too large");
    const found = JSON.parse(text);
    // compilers' artefacts hold it under "abi"
    const abi = Array.isArray(found) ? found : found.abi;
    if (!Array.isArray(abi)) throw new Error("no list of functions in it");
    const count = show(abi.map(one => ({ inputs: [], outputs: [], stateMutability: "nonpayable", ...one })));
    if (keeps) localStorage.setItem(key, JSON.stringify(abi));
    room.querySelector("[data-abi-forget]").hidden = !keeps;
    say(state, `${count} functions.`);
  } catch (error) {
    say(state, `This is no ABI: ${error.message}.`);
  }
};

if (room) {
  const area = room.querySelector("[data-abi]");
  room.querySelector("[data-abi-use]").addEventListener("click", () => use(area.value));
  room.querySelector("[data-abi-file]").addEventListener("change", async event => {
    const [file] = event.target.files;
    if (!file) return;
    area.value = file.size > MAX_ABI ? "" : await file.text();
    use(area.value);
  });
  room.querySelector("[data-abi-forget]").addEventListener("click", event => {
    localStorage.removeItem(key);
    area.value = "";
    room.querySelector("[data-functions]").replaceChildren();
    event.target.hidden = true;
    say(room.querySelector("[data-abi-state]"), "Forgotten.");
  });
  for (const button of room.querySelectorAll("[data-abi-standard]")) {
    button.addEventListener("click", () => {
      area.value = JSON.stringify(standard(button.dataset.abiStandard));
      use(area.value);
    });
  }
  const published = document.getElementById("published-abi")?.textContent;
  room.querySelector("[data-abi-published]")?.addEventListener("click", () => {
    localStorage.removeItem(key);
    area.value = "";
    use(published, false);
  });
  const kept = localStorage.getItem(key);
  if (kept) {
    area.value = kept;
    use(kept);
  } else if (published) {
    use(published, false);
  }
}
