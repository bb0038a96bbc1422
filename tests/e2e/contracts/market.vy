# @version ^0.4.0
# Sells a piece (art.vy) for coins (coin.vy) and passes on what is paid besides: calls inside a call.

interface Coin:
    def transferFrom(owner: address, receiver: address, amount: uint256) -> bool: nonpayable

interface Art:
    def ownerOf(token_id: uint256) -> address: view
    def transferFrom(owner: address, receiver: address, token_id: uint256): nonpayable

event Sold:
    seller: indexed(address)
    buyer: indexed(address)
    token_id: uint256
    price: uint256


@external
@payable
def buy(coin: address, art: address, token_id: uint256, price: uint256):
    seller: address = staticcall Art(art).ownerOf(token_id)
    assert extcall Coin(coin).transferFrom(msg.sender, seller, price), "not paid"
    extcall Art(art).transferFrom(seller, msg.sender, token_id)
    if msg.value > 0:
        raw_call(seller, b"", value=msg.value)
    log Sold(seller=seller, buyer=msg.sender, token_id=token_id, price=price)
