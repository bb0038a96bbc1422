// A wallet and a token by viem; the next block comes over WebSocket.

import assert from "node:assert/strict";
import {
  createPublicClient, createWalletClient, defineChain, getAddress, getContract, http, parseEther, parseEventLogs,
  webSocket,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { report, task } from "./task.mjs";

const transport = http(task.url);
const chainId = await createPublicClient({ transport }).getChainId();
const chain = defineChain({
  id: chainId,
  name: "devnet",
  nativeCurrency: { name: "MSHW", symbol: "MSHW", decimals: 18 },
  rpcUrls: { default: { http: [task.url] } },
});
const account = privateKeyToAccount(task.key);
const node = createPublicClient({ chain, transport, pollingInterval: 100 });
const wallet = createWalletClient({ account, chain, transport });
const balance = await node.getBalance({ address: account.address });

const hash = await wallet.sendTransaction({ to: task.receiver, value: parseEther("2") });
const receipt = await node.waitForTransactionReceipt({ hash });
assert.equal(receipt.status, "success");
const block = await node.getBlock({ blockHash: receipt.blockHash });
assert.ok(block.transactions.includes(hash));
const fee = receipt.gasUsed * receipt.effectiveGasPrice;
assert.equal(await node.getBalance({ address: account.address }), balance - parseEther("2") - fee);

const { abi, bytecode } = task.token;
const deployed = await wallet.deployContract({ abi, bytecode, args: [parseEther("1000")] });
const address = getAddress((await node.waitForTransactionReceipt({ hash: deployed })).contractAddress);
const token = getContract({ address, abi, client: { public: node, wallet } });
const moved = await node.waitForTransactionReceipt({ hash: await token.write.transfer([task.receiver, parseEther("7")]) });
assert.deepEqual(
  parseEventLogs({ abi, logs: moved.logs }).map((log) => [log.eventName, log.args]),
  [["Transfer", { sender: account.address, receiver: task.receiver, value: parseEther("7") }]],
);
const events = await node.getContractEvents({ address, abi, eventName: "Transfer", fromBlock: 0n });
await assert.rejects(
  node.simulateContract({
    address, abi, functionName: "transfer", args: [account.address, parseEther("5000")], account: task.receiver,
  }),
  /not enough tokens/,
);

const sockets = createPublicClient({ chain, transport: webSocket(task.socketUrl) });
const head = new Promise((resolve, reject) => {
  sockets.watchBlockNumber({ onBlockNumber: resolve, onError: reject });
});
await node.waitForTransactionReceipt({ hash: await wallet.sendTransaction({ to: task.receiver, value: 1n }) });

report({
  chainId,
  address: account.address,
  transfer: hash,
  block: receipt.blockNumber,
  token: address,
  held: await token.read.balanceOf([task.receiver]),
  events: events.map((event) => event.args.value),
  head: await head,
});
