"""Which column of a file is which of ours: by its name here, in French, or in an export. Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

# What each of our columns is called elsewhere, as `plain` says it. The first that is there is it.
CALLED = {
    "email": (
        *("email", "e mail", "mail", "courriel", "adresse mail", "adresse electronique"),
        *("mail address", "email address", "adresse e mail", "adresse de courriel"),
        *("adherent", "membre", "utilisateur", "member", "user"),
    ),
    "first_name": ("first name", "prenom", "given name"),
    "last_name": ("last name", "nom", "surname", "nom de famille", "family name"),
    "phone": ("phone", "tel", "telephone", "portable", "mobile", "phone number"),
    "language": ("language", "langue"),
    "audience": (
        *("audience", "public", "tarif", "type d adhesion", "type d adherent"),
        *("kind of member", "membership type"),
    ),
    "membership_until": (
        *("membership until", "date de fin de l abonnement", "subscription end date"),
        *("fin d adhesion", "fin de l adhesion", "expiration date", "date d expiration"),
        *("valable jusqu au", "valid until"),
    ),
    "minor": ("minor", "mineur"),
    "guardian_agreed_on": ("guardian agreed on",),
    "organization": (
        *("organization", "structure", "organisation", "entreprise", "company", "societe"),
        *("association", "on behalf of", "au nom de"),
    ),
    "manager": ("manager", "gestionnaire"),
    "activity": ("activity", "activite"),
    "code": ("code", "machine code", "code machine", "id"),
    "name": ("name", "nom", "machine", "designation"),
    "category": ("category", "categorie", "type"),
    "model": ("model", "modele", "marque et modele"),
    "location": ("location", "emplacement", "lieu", "salle", "room"),
    "specs": ("specs", "specifications", "caracteristiques"),
    "materials_allowed": ("materials allowed", "materiaux", "materiaux autorises", "materials"),
    "materials_forbidden": ("materials forbidden", "materiaux interdits"),
    "risk_class": ("risk class", "classe de risque"),
    "notes": ("notes", "description", "remarques"),
    "asset_number": ("asset number", "numero d inventaire", "inventaire"),
    "funder": ("funder", "financeur"),
    "owner": ("owner", "proprietaire"),
    "pool": ("pool", "parc"),
    "state": ("state", "etat"),
    "state_reason": ("state reason", "raison"),
    "back_on": ("back on", "retour le"),
    "given_on": ("given on", "date", "donnee le", "delivree le", "date de formation"),
    "training": ("training", "formation", "code formation"),
    "machine": (
        *("machine", "code machine", "machine code", "resource", "ressource"),
        *("equipement", "appareil", "equipment", "tool"),
    ),
    "level": ("level", "niveau"),
    "expires_on": ("expires on", "expire le", "valable jusqu au"),
    "given_by": ("given by", "donnee par", "formateur", "trainer"),
    "start": ("start", "debut", "begin", "date de debut", "start date", "starts at", "du"),
    "end": ("end", "fin", "date de fin", "end date", "ends at", "au"),
    "purpose": ("purpose", "objet", "motif", "projet", "title", "titre", "project"),
    "status": ("status", "statut", "etat", "state"),
    "reference": ("reference", "id", "numero", "identifiant", "number"),
}
# What our columns are called in French: a file that has these names is read without a question,
# whatever the language of whoever sends it.
FRENCH = {
    "email": "courriel",
    "first_name": "prénom",
    "last_name": "nom",
    "phone": "téléphone",
    "language": "langue",
    "audience": "public",
    "membership_until": "fin d’adhésion",
    "minor": "mineur",
    "guardian_agreed_on": "accord du responsable légal",
    "organization": "structure",
    "manager": "gestionnaire",
    "activity": "activité",
    "code": "code",
    "name": "nom",
    "category": "catégorie",
    "model": "modèle",
    "location": "emplacement",
    "specs": "caractéristiques",
    "materials_allowed": "matériaux autorisés",
    "materials_forbidden": "matériaux interdits",
    "risk_class": "classe de risque",
    "notes": "remarques",
    "asset_number": "numéro d’inventaire",
    "funder": "financeur",
    "owner": "propriétaire",
    "pool": "parc",
    "state": "état",
    "state_reason": "raison",
    "back_on": "retour le",
    "given_on": "donnée le",
    "training": "formation",
    "machine": "machine",
    "level": "niveau",
    "expires_on": "valable jusqu’au",
    "given_by": "donnée par",
    "start": "début",
    "end": "fin",
    "purpose": "objet",
    "status": "statut",
    "reference": "référence",
}
# What else a cell may say, in French or as a spreadsheet does; the first is how it is written here.
WORDS = {
    "used": ("honorée", "utilisée", "venu", "venue", "présent", "présente"),
    "cancelled": ("annulée", "annulé"),
    "missed": ("absent", "absente", "absence", "manquée", "non honorée"),
    "in_service": ("en service",),
    "out_of_service": ("hors service", "en panne"),
    "locked_out": ("consignée",),
    "retired": ("retirée", "retirée du parc", "réformée"),
    "individual": ("particulier", "particulière", "individuel"),
    "reduced": ("tarif réduit", "réduit"),
    "association": ("association",),
    "professional": ("professionnel", "professionnelle", "pro"),
    "resident": ("résident", "résidente"),
    "cooperative": ("coopérative",),
    "staff": ("équipe", "salarié", "salariée"),
    "yes": ("oui", "vrai", "true"),
    "no": ("non", "faux", "false"),
    "fr": ("français",),
    "en": ("anglais",),
}
# The first lines of exports that are known, by the columns that no other list has together:
# Fab-manager's of its members, in French and in English.
EXPORTS = {
    "members": (
        ("nom", "prenom", "courriel", "groupe", "abonnement", "date de fin de l abonnement"),
        ("surname", "first name", "e mail", "group", "subscription", "subscription end date"),
    ),
}


def plain(name: str) -> str:
    """Without capitals, accents and signs: `Date de fin de l'abonnement` and `E-mail` are
    `date de fin de l abonnement` and `e mail`.
    """
    letters = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", " ", bare).strip()


def ours(name: str, known: Collection[str]) -> str:
    """Which of our columns `known` a name is, in English or in French; empty for none."""
    bare = name.strip().casefold()
    if bare in known:
        return bare
    said = plain(name)
    called = (each for each in known if said in (plain(each), plain(FRENCH.get(each, ""))))
    return next(called, "") if said else ""


def are_ours(header: Iterable[str], known: Collection[str]) -> bool:
    """Is every column one of ours, as we write it? Those after the last name are none."""
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    return bool(names) and all(ours(name, known) for name in names)


def guess(header: Sequence[str], wanted: Iterable[str]) -> dict[str, str]:
    """Which of the file's columns each of ours seems to be; none of the file's is taken twice."""
    there = {plain(name): name for name in reversed(header) if name.strip()}
    taken: set[str] = set()
    found: dict[str, str] = {}
    for ours in wanted:
        for called in (plain(ours), *CALLED.get(ours, ())):
            theirs = there.get(called)
            if theirs is not None and theirs not in taken:
                found[ours] = theirs
                taken.add(theirs)
                break
    return found


def of_export(what: str, header: Sequence[str], wanted: Iterable[str]) -> dict[str, str] | None:
    """The columns of an export that is known by its first line; None of any other file."""
    there = {plain(name) for name in header}
    is_known = any(there.issuperset(marks) for marks in EXPORTS.get(what, ()))
    return guess(header, wanted) if is_known else None


def twice(names: Mapping[str, str]) -> set[str]:
    """The file's columns that two of ours are said to be."""
    said = list(names.values())
    return {theirs for theirs in said if said.count(theirs) > 1}
