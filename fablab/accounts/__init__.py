"""An account as a whole: everything kept about somebody, taken along, erased, or merged."""
