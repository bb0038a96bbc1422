// A wallet and a token by ethers; the next block comes over WebSocket.

import assert from "node:assert/strict";
import { Contract, ContractFactory, JsonRpcProvider, Wallet, WebSocketProvider, parseEther } from "ethers";
import { report, task } from "./task.mjs";

// blocks come faster than the 250 ms for which ethers remembers answers, a nonce among them
const provider = new JsonRpcProvider(task.url, undefined, { pollingInterval: 100, cacheTimeout: -1 });
const { chainId } = await provider.getNetwork();
const wallet = new Wallet(task.key, provider);
const balance = await provider.getBalance(wallet.address);

const sent = await wallet.sendTransaction({ to: task.receiver, value: parseEther("2") });
const receipt = await sent.wait();
assert.equal(receipt.status, 1);
assert.equal(receipt.hash, sent.hash);
assert.equal((await receipt.getBlock()).hash, receipt.blockHash);
assert.equal(await provider.getBalance(wallet.address), balance - parseEther("2") - receipt.fee);

const factory = new ContractFactory(task.token.abi, task.token.bytecode, wallet);
const token = await (await factory.deploy(parseEther("1000"))).waitForDeployment();
const address = await token.getAddress();
const moved = await (await token.transfer(task.receiver, parseEther("7"))).wait();
assert.deepEqual(
  moved.logs.map((log) => [log.fragment.name, ...log.args]),
  [["Transfer", wallet.address, task.receiver, parseEther("7")]],
);
const events = await token.queryFilter("Transfer", 0);
const reader = new Contract(address, task.token.abi, provider);
await assert.rejects(
  reader.transfer.staticCall(wallet.address, parseEther("5000"), { from: task.receiver }),
  { code: "CALL_EXCEPTION", reason: "not enough tokens" },
);

const sockets = new WebSocketProvider(task.socketUrl);
const head = new Promise((resolve) => sockets.once("block", resolve));
await (await wallet.sendTransaction({ to: task.receiver, value: 1n })).wait();

report({
  chainId,
  address: wallet.address,
  transfer: sent.hash,
  block: receipt.blockNumber,
  token: address,
  held: await reader.balanceOf(task.receiver),
  events: events.map((event) => event.args[2]),
  head: await head,
});
