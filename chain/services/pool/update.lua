-- A commit of the writer: new states of accounts.  The sequence is set in the same step, so that a
-- state read before the commit can no longer enter.
-- ARGV: now_ms, sequence, 1 to force, accounts (each: address, nonce, balance, code kind)
-- Answer: how many senders of the pool were touched, -1 when the commit was seen before.
local WIDTH = 41
local now, sequence = tonumber(ARGV[1]), tonumber(ARGV[2])
if ARGV[3] ~= '1' and sequence <= tonumber(call('GET', K_SEQUENCE) or '-1') then return -1 end
call('SET', K_SEQUENCE, ARGV[2])
local accounts = ARGV[4]
local count = 0
for at = 1, #accounts, WIDTH do
  local s = load(string.sub(accounts, at, at + 19))
  if s then
    local nonce, bh, bl, code = unpack_bytes('>I8I6I6I1', accounts, at + 20)
    settle(s, sequence, nonce, bh, bl, code)
    rank(s)
    count = count + 1
  end
end
commit(now)
return count
