"""What follows from an entry: journal kind -> jobs. The product's promises on one screen."""

from bank.identity import jobs as identity_jobs
from bank.journal import Kind
from bank.work import Reactions

REACTIONS: Reactions = {
    Kind.PERSON_INVITED: (("identity.send_invitation", identity_jobs.send_invitation),),
    Kind.PERSON_RESET_ASKED: (("identity.send_reset", identity_jobs.send_reset),),
}
