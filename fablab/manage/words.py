"""What the team's pages call the words that columns hold; translated where they are shown."""

from fablab.machines.kinds import MachineState, RiskClass
from fablab.members.kinds import Deed, Role
from fablab.members.words import AUDIENCES as AUDIENCES
from fablab.organizations.kinds import OrganizationKind
from fablab.places.kinds import Charged, WallNames
from fablab.presence.kinds import BoardKind
from fablab.words import N_

ROLES = {
    Role.REFERENT: N_("Machine referent"),
    Role.FABMANAGER: N_("Fabmanager"),
    Role.ACCOUNTANT: N_("Accountant"),
    Role.ADMINISTRATOR: N_("Administrator"),
}
STATES = {
    MachineState.IN_SERVICE: N_("In service"),
    MachineState.OUT_OF_SERVICE: N_("Out of service"),
    MachineState.LOCKED_OUT: N_("Locked out"),
    MachineState.RETIRED: N_("Retired"),
}
RISKS = {
    RiskClass.A: N_("A: free to use"),
    RiskClass.B: N_("B: after one initiation"),
    RiskClass.C: N_("C: with a valid qualification, and staying beside it"),
    RiskClass.D: N_("D: dangerous, never alone, adults only"),
}
ORGANIZATIONS = {
    OrganizationKind.COMPANY: N_("Company"),
    OrganizationKind.SOLE_TRADER: N_("Sole trader"),
    OrganizationKind.ASSOCIATION: N_("Association"),
    OrganizationKind.COOPERATIVE: N_("Co-operative of activity and employment"),
    OrganizationKind.SCHOOL: N_("School"),
    OrganizationKind.PUBLIC_BODY: N_("Public body"),
}
HUE_WORDS = {
    "red": N_("Red"),
    "orange": N_("Orange"),
    "blue": N_("Blue"),
    "plum": N_("Plum"),
    "teal": N_("Teal"),
    "brown": N_("Brown"),
    "slate": N_("Slate"),
    "green": N_("Green"),
    "terracotta": N_("Terracotta"),
    "ink": N_("Ink"),
}
ICON_WORDS = {
    "zap": N_("Laser"),
    "drill": N_("Milling"),
    "printer-3d": N_("3D printing"),
    "spool": N_("Textile"),
    "file-text": N_("Paper, vinyl"),
    "axe": N_("Wood"),
    "anvil": N_("Metal"),
    "cpu": N_("Electronics"),
    "amphora": N_("Ceramics"),
    "warehouse": N_("Rooms, loans"),
    "scissors": N_("Scissors"),
    "hammer": N_("Hammer"),
    "flame": N_("Flame"),
    "shirt": N_("Shirt"),
    "coins": N_("Coins"),
    "cone": N_("Cone"),
    "monitor": N_("Computer"),
    "printer": N_("Printer"),
    "pen-tool": N_("Pen"),
    "box": N_("Box"),
    "tree-pine": N_("Tree"),
    "wrench": N_("Wrench"),
}
DEEDS = {
    Deed.MEMBERSHIP: N_("Membership"),
    Deed.SUSPENDED: N_("Right to book suspended"),
    Deed.REINSTATED: N_("Suspension ended"),
    Deed.ROLES: N_("Roles"),
    Deed.QUALIFIED: N_("Qualification given"),
    Deed.DISQUALIFIED: N_("Qualification withdrawn"),
    Deed.STATE: N_("State of the machine"),
    Deed.POLICY: N_("Booking rules"),
    Deed.RESOURCES: N_("Shared resources"),
    Deed.REFERENTS: N_("Machines looked after"),
    Deed.MARKED: N_("Late cancellation or absence noted"),
    Deed.LIFTED: N_("Mark lifted"),
    Deed.TRAINING: N_("Session of a training"),
    Deed.AGENDA: N_("Calendar read in"),
    Deed.ORGANIZATION: N_("Organization"),
    Deed.MERGED: N_("Accounts merged"),
    Deed.ERASED: N_("Account erased"),
    Deed.INVENTORY: N_("Inventory"),
    Deed.PLACE: N_("The place"),
    Deed.TARIFF: N_("Tariffs"),
    Deed.SHARING: N_("Sharing agreement"),
    Deed.BOARD: N_("Screens in the workshop"),
    Deed.OPENING: N_("Opening hours"),
    Deed.CLOSURE: N_("Closure"),
}
CHARGED = {
    Charged.BOOKED: N_("The time that was booked"),
    Charged.REAL: N_("The real time, from arriving to leaving, where both are known"),
}
BOARDS = {
    BoardKind.WALL: N_("A wall to read"),
    BoardKind.DOOR: N_("A tablet at the door"),
}
WALL_NAMES = {
    WallNames.FIRST_NAMES: N_("First names"),
    WallNames.ORGANIZATIONS: N_("The names of organizations alone"),
    WallNames.NOBODY: N_("Nothing: only that it is reserved"),
}
