"""The bank: a register of donated IT equipment, from the donor's dock to the new owner's signature."""
