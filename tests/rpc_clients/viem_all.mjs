// Everything that a wallet does, by viem: each type of transaction, replacing by fee, batches, events by WebSocket.

import assert from "node:assert/strict";
import { createPublicClient, createWalletClient, defineChain, getAddress, getContract, http, webSocket } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { report, task } from "./task.mjs";

const bodies = [];
const note = async (request) => void bodies.push(await request.clone().text());
const transport = http(task.url, { batch: true, onFetchRequest: note });
const chainId = await createPublicClient({ transport }).getChainId();
const chain = defineChain({
  id: chainId,
  name: "devnet",
  nativeCurrency: { name: "MSHW", symbol: "MSHW", decimals: 18 },
  rpcUrls: { default: { http: [task.url] } },
});
const account = privateKeyToAccount(task.key);
const authority = privateKeyToAccount(task.authority);
const node = createPublicClient({ chain, transport, pollingInterval: 100 });
const wallet = createWalletClient({ account, chain, transport });
const gasPrice = await node.getGasPrice();
const done = (hash) => node.waitForTransactionReceipt({ hash });

const { abi, bytecode } = task.token;
const deployed = await done(await wallet.deployContract({ abi, bytecode, args: [10n ** 24n] }));
const address = getAddress(deployed.contractAddress);
const token = getContract({ address, abi, client: { public: node, wallet } });

const accessList = [{ address, storageKeys: ["0x" + "00".repeat(32)] }];
const kinds = [
  { type: "legacy", gasPrice: 2n * gasPrice },
  { type: "eip2930", gasPrice: 2n * gasPrice, accessList },
  { type: "eip1559", accessList },
  { type: "eip7702", authorizationList: [await wallet.signAuthorization({ account: authority, contractAddress: address })] },
];
const types = [];
for (const kind of kinds) {
  const hash = await wallet.sendTransaction({ to: task.receiver, value: 1n, ...kind });
  const receipt = await done(hash);
  const found = await node.getTransaction({ hash });
  assert.deepEqual([receipt.status, receipt.type, found.type, found.value], ["success", kind.type, kind.type, 1n]);
  types.push(hash);
}
const delegated = await node.getCode({ address: authority.address });

// the second next nonce waits in the pool, so that it can be replaced
const nonce = await node.getTransactionCount({ address: account.address });
const fees = { maxFeePerGas: 4n * gasPrice, maxPriorityFeePerGas: gasPrice };
const later = { to: task.receiver, nonce: nonce + 1, gas: 21_000n };
const replaced = await wallet.sendTransaction({ ...later, ...fees, value: 5n });
await assert.rejects(
  wallet.sendTransaction({ ...later, maxFeePerGas: fees.maxFeePerGas + 1n, maxPriorityFeePerGas: gasPrice + 1n, value: 6n }),
  /replacement transaction underpriced/,
);
const replacing = await wallet.sendTransaction({
  ...later, maxFeePerGas: 2n * fees.maxFeePerGas, maxPriorityFeePerGas: 2n * gasPrice, value: 7n,
});
assert.equal((await node.getTransaction({ hash: replacing })).blockNumber, null);
await assert.rejects(node.getTransaction({ hash: replaced }), { name: "TransactionNotFoundError" });
await wallet.sendTransaction({ to: task.receiver, nonce, value: 1n });
assert.equal((await done(replacing)).status, "success");
await assert.rejects(wallet.sendTransaction({ ...later, nonce, ...fees }), /nonce/i);
await assert.rejects(wallet.sendTransaction({ to: task.receiver, value: 10n ** 30n }), /insufficient funds/);

bodies.length = 0;
const balances = await Promise.all(
  [task.receiver, account.address, address].map((one) => node.getBalance({ address: one })),
);
assert.ok(bodies.some((text) => JSON.parse(text).length >= 3), "no batch");

const sockets = createPublicClient({ chain, transport: webSocket(task.socketUrl) });
const heard = new Promise((resolve, reject) => {
  sockets.watchContractEvent({ address, abi, eventName: "Transfer", onLogs: resolve, onError: reject });
});
// the subscription is there before the transfer is sent
await sockets.getChainId();
const moved = await done(await token.write.transfer([task.receiver, 9n]));
const [log] = await heard;
assert.deepEqual([log.args.receiver, log.args.value, log.transactionHash], [task.receiver, 9n, moved.transactionHash]);

report({ types, delegated, token: address, replaced, replacing, balance: balances[0] });
