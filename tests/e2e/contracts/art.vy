# @version ^0.4.0
# A small ERC-721, of which anybody may take a new piece, written for the tests of this project.

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    token_id: indexed(uint256)

event Approval:
    owner: indexed(address)
    approved: indexed(address)
    token_id: indexed(uint256)

name: public(String[64])
symbol: public(String[16])
ownerOf: public(HashMap[uint256, address])
balanceOf: public(HashMap[address, uint256])
getApproved: public(HashMap[uint256, address])


@deploy
def __init__(name: String[64], symbol: String[16]):
    self.name = name
    self.symbol = symbol


@external
@view
def supportsInterface(which: bytes4) -> bool:
    return which in [0x01ffc9a7, 0x80ac58cd, 0x5b5e139f]


@external
def mint(receiver: address, token_id: uint256):
    assert self.ownerOf[token_id] == empty(address), "taken"
    self.ownerOf[token_id] = receiver
    self.balanceOf[receiver] += 1
    log Transfer(sender=empty(address), receiver=receiver, token_id=token_id)


@external
def approve(approved: address, token_id: uint256):
    assert self.ownerOf[token_id] == msg.sender, "not the owner"
    self.getApproved[token_id] = approved
    log Approval(owner=msg.sender, approved=approved, token_id=token_id)


@external
def transferFrom(owner: address, receiver: address, token_id: uint256):
    assert self.ownerOf[token_id] == owner, "not the owner"
    assert msg.sender in [owner, self.getApproved[token_id]], "not allowed"
    self.getApproved[token_id] = empty(address)
    self.ownerOf[token_id] = receiver
    self.balanceOf[owner] -= 1
    self.balanceOf[receiver] += 1
    log Transfer(sender=owner, receiver=receiver, token_id=token_id)
