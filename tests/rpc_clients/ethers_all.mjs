// Everything that a wallet does, by ethers: each type of transaction, replacing by fee, batches, events by WebSocket.

import assert from "node:assert/strict";
import { Contract, ContractFactory, JsonRpcProvider, Wallet, WebSocketProvider, isError } from "ethers";
import { report, task } from "./task.mjs";

const requests = [];
// blocks come faster than the 250 ms for which ethers remembers answers, a nonce among them
const provider = new JsonRpcProvider(task.url, undefined, { pollingInterval: 100, cacheTimeout: -1 });
provider.on("debug", (event) => event.action === "sendRpcPayload" && requests.push(event.payload));
const { chainId } = await provider.getNetwork();
const wallet = new Wallet(task.key, provider);
const authority = new Wallet(task.authority, provider);
const { gasPrice } = await provider.getFeeData();

const factory = new ContractFactory(task.token.abi, task.token.bytecode, wallet);
const token = await (await factory.deploy(10n ** 24n)).waitForDeployment();
const address = await token.getAddress();

// each type, its gas by estimate
const list = [{ address, storageKeys: ["0x" + "00".repeat(32)] }];
const kinds = [
  { type: 0, gasPrice: 2n * gasPrice },
  { type: 1, gasPrice: 2n * gasPrice, accessList: list },
  { type: 2, accessList: list },
  { type: 4, authorizationList: [await authority.authorize({ address, nonce: 0, chainId })] },
];
const types = [];
for (const kind of kinds) {
  const sent = await wallet.sendTransaction({ to: task.receiver, value: 1n, ...kind });
  const receipt = await sent.wait();
  const found = await provider.getTransaction(sent.hash);
  assert.equal(receipt.status, 1);
  assert.deepEqual([found.type, receipt.type, found.value], [kind.type, kind.type, 1n]);
  assert.equal(found.gasPrice ?? receipt.gasPrice, receipt.gasPrice);
  types.push(sent.hash);
}
const delegated = await provider.getCode(authority.address);

// the second next nonce waits in the pool, so that it can be replaced
const nonce = await wallet.getNonce("pending");
const fees = { maxFeePerGas: 4n * gasPrice, maxPriorityFeePerGas: gasPrice };
const later = { to: task.receiver, nonce: nonce + 1, gasLimit: 21_000n, type: 2 };
const replaced = await wallet.sendTransaction({ ...later, ...fees, value: 5n });
await assert.rejects(
  wallet.sendTransaction({ ...later, maxFeePerGas: fees.maxFeePerGas + 1n, maxPriorityFeePerGas: gasPrice + 1n, value: 6n }),
  (error) => isError(error, "REPLACEMENT_UNDERPRICED"),
);
const replacing = await wallet.sendTransaction({
  ...later, maxFeePerGas: 2n * fees.maxFeePerGas, maxPriorityFeePerGas: 2n * gasPrice, value: 7n,
});
const waiting = await provider.getTransaction(replacing.hash);
assert.deepEqual([waiting.blockNumber, await provider.getTransaction(replaced.hash)], [null, null]);
await wallet.sendTransaction({ to: task.receiver, nonce, value: 1n });
assert.equal((await replacing.wait()).status, 1);
await assert.rejects(
  wallet.sendTransaction({ ...later, nonce, ...fees }), (error) => isError(error, "NONCE_EXPIRED"),
);
await assert.rejects(
  wallet.sendTransaction({ to: task.receiver, value: 10n ** 30n }), (error) => isError(error, "INSUFFICIENT_FUNDS"),
);

// one request for many questions
requests.length = 0;
const balances = await Promise.all([task.receiver, wallet.address, address].map((one) => provider.getBalance(one)));
assert.ok(requests.some((payload) => Array.isArray(payload) && payload.length >= 3), "no batch");

// events of the token and blocks, told over one WebSocket
const sockets = new WebSocketProvider(task.socketUrl);
const watched = new Contract(address, task.token.abi, sockets);
const heard = new Promise((resolve) =>
  watched.on("Transfer", (sender, receiver, value, event) => resolve([receiver, value, event.log.transactionHash])),
);
// the subscription is there before the transfer is sent
await sockets.send("eth_chainId", []);
const moved = await (await token.transfer(task.receiver, 9n)).wait();
assert.deepEqual(await heard, [task.receiver, 9n, moved.hash]);

report({ types, delegated, token: address, replaced: replaced.hash, replacing: replacing.hash, balance: balances[0] });
