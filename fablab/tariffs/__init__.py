"""What the use of a machine is worth: prices, packs and allowances. Nobody is asked to pay here."""
