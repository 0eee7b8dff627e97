"""The demonstration's accounts, as the sign-in page and the command tell them."""

from fablab.words import N_

PASSWORD = "demo-les-usines"

# Address, and who that is.
ACCOUNTS = (
    ("camille.aubrelle@usines.example", N_("Administrator and fab manager")),
    ("noa.perrinelle@filplomb.example", N_("Manages a company, qualified on the lasers")),
    ("sasha.guerivaud@courriel.example", N_("New member, not qualified on any machine yet")),
    ("andrea.tilleraye@courriel.example", N_("Member whose laser qualification has expired")),
)
