"""Names of the functions, events and errors that most contracts share, by selector and topic.

Sources: EIP-20, EIP-165, EIP-173, EIP-721, EIP-1155, EIP-2612, EIP-4626; wrapped ether's deposit and withdraw.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from chain.core.transactions import keccak

_FUNCTIONS = (
    "transfer(address to, uint256 amount)",
    "transferFrom(address from, address to, uint256 amount)",
    "approve(address spender, uint256 amount)",
    "increaseAllowance(address spender, uint256 added)",
    "decreaseAllowance(address spender, uint256 subtracted)",
    "permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)",
    "mint(address to, uint256 amount)",
    "mint(uint256 amount)",
    "burn(uint256 amount)",
    "burnFrom(address account, uint256 amount)",
    "safeTransferFrom(address from, address to, uint256 id)",
    "safeTransferFrom(address from, address to, uint256 id, bytes data)",
    "setApprovalForAll(address operator, bool approved)",
    "safeTransferFrom(address from, address to, uint256 id, uint256 amount, bytes data)",
    "safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] amounts, bytes data)",
    "transferOwnership(address owner)",
    "renounceOwnership()",
    "deposit()",
    "withdraw(uint256 amount)",
    "deposit(uint256 assets, address receiver)",
    "withdraw(uint256 assets, address receiver, address owner)",
    "redeem(uint256 shares, address receiver, address owner)",
    "multicall(bytes[] calls)",
    "balanceOf(address owner)",
    "allowance(address owner, address spender)",
    "totalSupply()",
    # what contracts ask each other
    "name()",
    "symbol()",
    "decimals()",
    "owner()",
    "ownerOf(uint256 id)",
    "getApproved(uint256 id)",
    "isApprovedForAll(address owner, address operator)",
    "tokenURI(uint256 id)",
    "balanceOf(address owner, uint256 id)",
    "balanceOfBatch(address[] owners, uint256[] ids)",
    "uri(uint256 id)",
    "supportsInterface(bytes4 interface)",
    "nonces(address owner)",
    "convertToAssets(uint256 shares)",
    "convertToShares(uint256 assets)",
    "totalAssets()",
    "onERC721Received(address operator, address from, uint256 id, bytes data)",
    "onERC1155Received(address operator, address from, uint256 id, uint256 amount, bytes data)",
    "onERC1155BatchReceived(address operator, address from, uint256[] ids, uint256[] amounts, bytes data)",
)
# the same topic may index its last argument (ERC-721) or not (ERC-20): the number of topics tells which
_EVENTS = (
    "Transfer(address indexed from, address indexed to, uint256 amount)",
    "Transfer(address indexed from, address indexed to, uint256 indexed id)",
    "Approval(address indexed owner, address indexed spender, uint256 amount)",
    "Approval(address indexed owner, address indexed approved, uint256 indexed id)",
    "ApprovalForAll(address indexed owner, address indexed operator, bool approved)",
    "TransferSingle(address indexed operator, address indexed from, address indexed to, uint256 id, uint256 amount)",
    "TransferBatch(address indexed operator, address indexed from, address indexed to, uint256[] ids,"
    " uint256[] amounts)",
    "URI(string value, uint256 indexed id)",
    "OwnershipTransferred(address indexed previous, address indexed owner)",
    "Deposit(address indexed account, uint256 amount)",
    "Withdrawal(address indexed account, uint256 amount)",
)
_ERRORS = ("Error(string reason)", "Panic(uint256 code)")
_SHAPE = re.compile(r"^(\w+)\((.*)\)$")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its ABI type, its name (empty where it has none), and whether an event indexes it."""

    type: str
    name: str
    is_indexed: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """A function, event or error as contracts declare it."""

    name: str
    parameters: tuple[Parameter, ...]

    @property
    def canonical(self) -> str:
        """The text that is hashed: ``transfer(address,uint256)`` (Solidity ABI)."""
        return f"{self.name}({','.join([parameter.type for parameter in self.parameters])})"

    @property
    def selector(self) -> bytes:
        """First four bytes of its hash."""
        return self.topic[:4]

    @property
    def topic(self) -> bytes:
        """Its hash."""
        return keccak(self.canonical.encode())

    @property
    def indexed(self) -> int:
        """How many parameters an event indexes."""
        return sum(parameter.is_indexed for parameter in self.parameters)


def signature_of(text: str) -> Signature:
    """Read a declaration of plain types, ``transfer(address to, uint256 amount)``."""
    shape = _SHAPE.match(text)
    assert shape is not None, text
    parameters = []
    for part in filter(None, map(str.strip, shape[2].split(","))):
        words = part.split()
        parameters.append(Parameter(words[0], words[-1] if len(words) > 1 else "", "indexed" in words[1:-1]))
    return Signature(shape[1], tuple(parameters))


@cache
def functions() -> dict[bytes, Signature]:
    """Known functions and errors by selector; where two share one the first wins."""
    found: dict[bytes, Signature] = {}
    for text in (*_FUNCTIONS, *_ERRORS):
        signature = signature_of(text)
        found.setdefault(signature.selector, signature)
    return found


@cache
def events() -> dict[tuple[bytes, int], Signature]:
    """Known events by topic and the number of indexed parameters."""
    known = map(signature_of, _EVENTS)
    return {(signature.topic, signature.indexed): signature for signature in known}
