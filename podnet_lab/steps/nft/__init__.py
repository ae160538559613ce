"""nftables: what a person types as `nft …`."""
