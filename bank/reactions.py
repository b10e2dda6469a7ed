"""What follows from an entry: journal kind -> jobs. The product's promises on one screen."""

from bank.work import Reactions

REACTIONS: Reactions = {}
