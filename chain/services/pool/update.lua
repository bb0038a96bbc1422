-- A commit of the writer: new states of accounts.  The sequence is set in the same step, so that a
-- state read before the commit can no longer enter.
-- ARGV: now_ms, sequence, 1 to force or 2 to be refused where a commit was missed, accounts (each: address,
-- nonce, balance, code kind)
-- Answer: how many senders of the pool were touched, -1 when the commit was seen before, -2 when one was missed.
local WIDTH = 41
local now, sequence = tonumber(ARGV[1]), tonumber(ARGV[2])
local last = tonumber(call('GET', K_SEQUENCE) or '-1')
if ARGV[3] ~= '1' and sequence <= last then return -1 end
if ARGV[3] == '2' and sequence ~= last + 1 then return -2 end
call('SET', K_SEQUENCE, ARGV[2])
local accounts = ARGV[4]
local count = 0
for start = 1, #accounts, WIDTH * CHUNK do
  local addresses = {}
  for at = start, math.min(start + WIDTH * CHUNK, #accounts + 1) - 1, WIDTH do
    addresses[#addresses + 1] = string.sub(accounts, at, at + 19)
  end
  for i, raw in ipairs(call('HMGET', K_STATES, unpack(addresses))) do
    if raw then
      local s = read(addresses[i], raw)
      local nonce, bh, bl, code = unpack_bytes('>I8I6I6I1', accounts, start + (i - 1) * WIDTH + 20)
      settle(s, sequence, nonce, bh, bl, code)
      if s.count > 0 or s.had > 0 then rank(s) end
      count = count + 1
    end
  end
end
commit(now)
return count
